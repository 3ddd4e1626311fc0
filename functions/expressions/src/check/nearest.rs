//! Finds the name that an author probably meant.
//!
//! Owns how similar two names must be.

/// The longest name to compare, in bytes.
const MAX_BYTES: usize = 64;

/// The candidate that was probably meant; `None` if none is similar. At most a third of the characters may differ.
pub(super) fn nearest<'c>(name: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    if name.len() > MAX_BYTES {
        return None;
    }
    let length = name.chars().count();
    let lowered = name.to_lowercase();
    let similar = candidates.into_iter().filter(|candidate| candidate.len() <= MAX_BYTES && *candidate != name);
    similar
        .map(|candidate| (strsim::osa_distance(&lowered, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= (length / 3).max(1) && *distance < length)
        .min()
        .map(|(_, candidate)| candidate)
}
