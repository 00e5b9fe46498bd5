//! `--metrics-config SETTING=VALUE`: which latencies are told, and how.

use std::str::FromStr;

/// Quantiles that summaries have unless others are asked for; Triton has the same.
const QUANTILES: [f64; 5] = [0.5, 0.9, 0.95, 0.99, 0.999];

/// Each is a series for each of five summaries of each model.
const QUANTILES_MAX: usize = 32;

/// One `SETTING=VALUE`.
#[derive(Clone, Debug, PartialEq)]
pub enum Setting {
    /// The counters of durations; on unless said otherwise.
    CounterLatencies(bool),
    /// The histogram of request durations; on unless said otherwise.
    HistogramLatencies(bool),
    /// Summaries; off unless said otherwise.
    SummaryLatencies(bool),
    /// Their quantiles.
    SummaryQuantiles(Vec<f64>),
}

impl FromStr for Setting {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, value) = text.split_once('=').ok_or("expected SETTING=VALUE")?;
        match name {
            "counter_latencies" => boolean(value).map(Self::CounterLatencies),
            "histogram_latencies" => boolean(value).map(Self::HistogramLatencies),
            "summary_latencies" => boolean(value).map(Self::SummaryLatencies),
            "summary_quantiles" => quantiles(value).map(Self::SummaryQuantiles),
            _ => Err(format!(
                "there is no setting '{name}'; expected counter_latencies, histogram_latencies, \
                 summary_latencies or summary_quantiles"
            )),
        }
    }
}

/// All settings together.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Whether the counters of durations are told.
    pub has_counters: bool,
    /// Whether the histogram of request durations is told.
    pub has_histograms: bool,
    /// Whether summaries are counted and told.
    pub has_summaries: bool,
    /// Their quantiles, ascending, from 0 to 1.
    pub quantiles: Vec<f64>,
}

impl Settings {
    /// The defaults with these changes; of two for the same setting, the later one holds.
    pub fn new(changes: &[Setting]) -> Self {
        let mut all = Self {
            has_counters: true,
            has_histograms: true,
            has_summaries: false,
            quantiles: QUANTILES.to_vec(),
        };
        for change in changes {
            match change {
                Setting::CounterLatencies(on) => all.has_counters = *on,
                Setting::HistogramLatencies(on) => all.has_histograms = *on,
                Setting::SummaryLatencies(on) => all.has_summaries = *on,
                Setting::SummaryQuantiles(quantiles) => all.quantiles.clone_from(quantiles),
            }
        }
        all
    }
}

fn boolean(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "on" => Ok(true),
        "false" | "0" | "off" => Ok(false),
        _ => Err(format!("expected true or false, got '{text}'")),
    }
}

/// `0.5:0.05,0.99:0.001`: quantiles, each with the error that is allowed to it. The error says how
/// far Triton's estimate may be off in rank; ours is exact in rank, so it is only checked.
fn quantiles(text: &str) -> Result<Vec<f64>, String> {
    let mut quantiles = Vec::new();
    for pair in text.split(',') {
        let parts = pair.split_once(':');
        let numbers = parts.and_then(|(quantile, error)| fraction(quantile).zip(fraction(error)));
        let (quantile, _error) = numbers.ok_or_else(|| {
            format!("expected QUANTILE:ERROR such as 0.99:0.001, both from 0 to 1, got '{pair}'")
        })?;
        quantiles.push(quantile);
    }
    if quantiles.len() > QUANTILES_MAX {
        return Err(format!("expected up to {QUANTILES_MAX} quantiles, got {}", quantiles.len()));
    }
    quantiles.sort_by(f64::total_cmp);
    // Prometheus refuses a scrape that has the same series twice.
    quantiles.dedup();
    Ok(quantiles)
}

fn fraction(text: &str) -> Option<f64> {
    // The absolute value makes one zero of -0 and 0.
    text.trim().parse().ok().filter(|number| (0.0..=1.0).contains(number)).map(f64::abs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_read() {
        #[track_caller]
        fn check(text: &str, expected: Setting) {
            assert_eq!(text.parse(), Ok(expected));
        }
        check("counter_latencies=false", Setting::CounterLatencies(false));
        check("histogram_latencies=TRUE", Setting::HistogramLatencies(true));
        check("summary_latencies=1", Setting::SummaryLatencies(true));
        let quantiles = |quantiles: &[f64]| Setting::SummaryQuantiles(quantiles.to_vec());
        check("summary_quantiles=0.5:0.05,0.9:0.01", quantiles(&[0.5, 0.9]));
        check("summary_quantiles=0.9:0.01,0.5:0.05,0.9:0", quantiles(&[0.5, 0.9]));
        check("summary_quantiles=-0:0,0:0,1:1", quantiles(&[0.0, 1.0]));
    }

    #[test]
    fn mistakes_are_named() {
        #[track_caller]
        fn check(text: &str, expected: &str) {
            let error = text.parse::<Setting>().unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
        check("summary_latencies", "expected SETTING=VALUE");
        check("sumary_latencies=true", "there is no setting 'sumary_latencies'; expected counter_");
        check("summary_latencies=yes please", "expected true or false, got 'yes please'");
        check("summary_quantiles=", "expected QUANTILE:ERROR");
        check("summary_quantiles=0.5", "both from 0 to 1, got '0.5'");
        check("summary_quantiles=0.5:0.05,1.5:0.1", "got '1.5:0.1'");
        check("summary_quantiles=NaN:0.1", "got 'NaN:0.1'");
        check(&format!("summary_quantiles={}0:0", "0:0,".repeat(32)), "up to 32 quantiles, got 33");
    }

    #[test]
    fn the_last_word_holds() {
        let changes = ["summary_latencies=true", "counter_latencies=0", "summary_latencies=false"];
        let changes = changes.map(|text| text.parse().unwrap());
        let expected = Settings { has_counters: false, ..Settings::new(&[]) };
        assert_eq!(Settings::new(&changes), expected);
    }
}
