//! Numbers, compared by what they are worth.
//!
//! Owns the one order of numbers, exact for every integer and fraction that JSON carried. Nothing is rounded.

use std::cmp::Ordering;

use serde_json::Number;

use super::EventPattern;

/// Below it every float that is a whole number is one that `i128` holds.
const WHOLE_BELOW: f64 = 1e38;

/// How `one` compares with `other`.
pub fn compare(one: &Number, other: &Number) -> Ordering {
    match (whole(one), whole(other)) {
        (Some(one), Some(other)) => one.cmp(&other),
        // A fraction is smaller than 2^53, so whatever rounds here still lies on its own side of it.
        _ => float(one).total_cmp(&float(other)),
    }
}

fn whole(number: &Number) -> Option<i128> {
    if let Some(signed) = number.as_i64() {
        return Some(signed.into());
    }
    if let Some(unsigned) = number.as_u64() {
        return Some(unsigned.into());
    }
    let float = number.as_f64()?;
    #[expect(clippy::cast_possible_truncation, reason = "it is whole and in range")]
    (float.fract() == 0.0 && float.abs() < WHOLE_BELOW).then_some(float as i128)
}

fn float(number: &Number) -> f64 {
    number.as_f64().unwrap_or(f64::NAN)
}

/// Whether `numeric` and `anything-but` can compare with it, or why not.
pub(super) fn comparable(number: &Number) -> Result<(), String> {
    let limit = EventPattern::MAX_NUMBER;
    if compare(number, &limit.into()).is_gt() || compare(number, &(-limit).into()).is_lt() {
        return Err(format!("this number is not between -{limit} and {limit}"));
    }
    // A float is written without an exponent and with no more digits than tell it from its neighbours.
    let decimals = whole(number).map_or_else(|| float(number).to_string(), |_| String::new());
    let decimals = decimals.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    if decimals > EventPattern::MAX_DECIMALS {
        return Err(format!("this number has {decimals} decimals; at most {} count", EventPattern::MAX_DECIMALS));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Number {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn numbers_are_compared_by_what_they_are_worth() {
        for (one, other, order) in [
            ("1", "1.0", Ordering::Equal),
            ("1", "1e0", Ordering::Equal),
            ("100", "1e2", Ordering::Equal),
            ("0", "-0.0", Ordering::Equal),
            ("0.1", "0.10", Ordering::Equal),
            ("1", "1.5", Ordering::Less),
            ("-2", "-1.5", Ordering::Less),
            ("9007199254740993", "9007199254740992.0", Ordering::Greater),
            ("9007199254740993", "9007199254740992", Ordering::Greater),
            ("18446744073709551615", "18446744073709551614", Ordering::Greater),
            ("9223372036854775807", "9223372036854775808", Ordering::Less),
            ("18446744073709551615", "1e300", Ordering::Less),
            ("-1e300", "-9223372036854775808", Ordering::Less),
            ("1e300", "1e301", Ordering::Less),
        ] {
            assert_eq!(compare(&number(one), &number(other)), order, "{one} and {other}");
            assert_eq!(compare(&number(other), &number(one)), order.reverse(), "{other} and {one}");
        }
    }

    #[test]
    fn numbers_to_compare_with_are_bounded() {
        for good in ["5000000000", "-5000000000", "5e9", "0.000001", "1.5", "0.1", "300.123456", "4999999999.999999"] {
            assert_eq!(comparable(&number(good)), Ok(()), "{good}");
        }
        for bad in ["5000000001", "-5000000000.5", "1e10", "1e300", "0.0000001", "1.1234567"] {
            assert!(comparable(&number(bad)).is_err(), "{bad}");
        }
    }
}
