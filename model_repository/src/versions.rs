//! Which of a model's versions are served: what `version_policy` chooses of the folders there are.

use nereid_backend::error::LoadError;
use nereid_proto::inference::model_version_policy::{PolicyChoice, Specific};

use crate::layout::ModelFolder;
use crate::stated::Stated;

/// The versions to serve, ascending; at least one. Without a policy it is the highest.
///
/// # Errors
/// Everything that is wrong with `stated`, when there is no version to serve.
pub(crate) fn choose(folder: &ModelFolder, stated: &mut Stated) -> Result<Vec<u64>, LoadError> {
    let mut versions = folder.versions().map_err(|error| {
        LoadError::new(format!("cannot read {}: {error}", folder.path.display()))
    })?;
    let policy = stated.config.version_policy.as_ref();
    match policy.and_then(|policy| policy.policy_choice.as_ref()) {
        Some(PolicyChoice::All(_)) => {}
        Some(PolicyChoice::Specific(specific)) => {
            let path = "version_policy.specific.versions";
            let absent = absent(specific, &versions);
            stated.warnings.extend(absent.map(|text| stated.problems.place(path, text)));
            versions.retain(|&version| names(specific, version));
        }
        Some(PolicyChoice::Latest(latest)) => {
            let count = usize::try_from(latest.num_versions).unwrap_or(usize::MAX);
            keep_latest(&mut versions, count);
        }
        None => keep_latest(&mut versions, 1),
    }
    if versions.is_empty() {
        let mut message = format!(
            "no version to serve: {} needs a folder named by a number, such as 1, that the \
             version policy admits",
            folder.path.display()
        );
        if folder.name.parse::<u64>().is_ok() {
            message.push_str("; if it is a version itself, the repository is two folders up");
        }
        stated.problems.at("version_policy", message);
        return Err(stated.problems.error());
    }
    Ok(versions)
}

/// 0 is what protobuf makes of a count that was left out: Triton's default, 1, is meant.
fn keep_latest(versions: &mut Vec<u64>, count: usize) {
    versions.drain(..versions.len().saturating_sub(count.max(1)));
}

fn names(specific: &Specific, version: u64) -> bool {
    i64::try_from(version).is_ok_and(|version| specific.versions.contains(&version))
}

/// What is to be served and is not there.
fn absent(specific: &Specific, versions: &[u64]) -> Option<String> {
    let is_absent = |version: &&i64| !u64::try_from(**version).is_ok_and(|v| versions.contains(&v));
    let absent: Vec<_> =
        specific.versions.iter().filter(is_absent).map(ToString::to_string).collect();
    let list = absent.join(", ");
    (!absent.is_empty()).then(|| format!("version_policy names versions without a folder: {list}"))
}

#[cfg(test)]
mod tests;
