//! The deadline of gRPC's own, as "gRPC over HTTP2" defines `Timeout`.

use std::time::Duration;

/// Names the header that has the deadline.
pub const DEADLINE: &str = "grpc-timeout";

/// The most digits that it may have.
const DIGITS_MAX: usize = 8;

/// What the header says: one to eight digits and a unit; `None` if it says something else.
pub fn deadline(text: &str) -> Option<Duration> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let is_number = (1..=DIGITS_MAX).contains(&number.len())
        && number.bytes().all(|byte| byte.is_ascii_digit());
    let number: u64 = number.parse().ok().filter(|_| is_number)?;
    Some(match unit {
        "H" => Duration::from_hours(number),
        "M" => Duration::from_mins(number),
        "S" => Duration::from_secs(number),
        "m" => Duration::from_millis(number),
        "u" => Duration::from_micros(number),
        "n" => Duration::from_nanos(number),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_is_digits_and_a_unit() {
        let check = |text: &str, expected: Option<Duration>| {
            assert_eq!(deadline(text), expected, "'{text}'");
        };
        check("2S", Some(Duration::from_secs(2)));
        check("99999999n", Some(Duration::from_nanos(99_999_999)));
        check("99999999H", Some(Duration::from_hours(99_999_999)));
        check("3M", Some(Duration::from_mins(3)));
        check("7m", Some(Duration::from_millis(7)));
        check("7u", Some(Duration::from_micros(7)));
        for wrong in ["", "S", "5", "1x", "123456789n", "+5S", "-5S", " 5S", "5 S", "1é", "é"] {
            check(wrong, None);
        }
    }
}
