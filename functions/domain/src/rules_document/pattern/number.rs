//! Compares numbers exactly, by value.
//!
//! Owns the one order of numbers, exact for every integer and fraction in JSON. Rounds nothing.

use std::cmp::Ordering;

use serde_json::Number;

use super::EventPattern;

/// The order of `one` relative to `other`.
pub fn compare(one: &Number, other: &Number) -> Ordering {
    if let (Some(one), Some(other)) = (one.as_i64(), other.as_i64()) {
        return one.cmp(&other);
    }
    // Rounding keeps the order, so that numbers which round to different floats need no closer look.
    match float(one).partial_cmp(&float(other)) {
        Some(Ordering::Equal) | None => Decimal::parse(one.as_str()).cmp(&Decimal::parse(other.as_str())),
        Some(order) => order,
    }
}

/// A number as `0.<digits> * 10^exponent`, with neither leading nor trailing zeros among the digits; zero has no
/// digits.
struct Decimal<'a> {
    negative: bool,
    exponent: i64,
    /// The digits before the point, and those behind it.
    digits: (&'a str, &'a str),
}

impl<'a> Decimal<'a> {
    /// `text` is a number by JSON's grammar (RFC 8259, 6).
    fn parse(text: &'a str) -> Self {
        let unsigned = text.trim_start_matches('-');
        let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let whole = whole.trim_start_matches('0');
        let fraction = fraction.trim_end_matches('0');
        // An exponent too large for 64 bits is out of every number's range; its sign is what counts.
        let written = exponent.parse().unwrap_or(if exponent.starts_with('-') { i64::MIN } else { i64::MAX });
        let (digits, point) = if whole.is_empty() {
            let digits = fraction.trim_start_matches('0');
            (("", digits), digits.len() as i128 - fraction.len() as i128)
        } else if fraction.is_empty() {
            ((whole.trim_end_matches('0'), ""), whole.len() as i128)
        } else {
            ((whole, fraction), whole.len() as i128)
        };
        let zero = digits.0.is_empty() && digits.1.is_empty();
        let exponent = i64::try_from(i128::from(written) + point).unwrap_or(written);
        Self { negative: text.starts_with('-') && !zero, exponent: if zero { 0 } else { exponent }, digits }
    }

    /// The number of decimals when it is written without an exponent and without trailing zeros.
    fn decimals(&self) -> usize {
        let digits = i64::try_from(self.digits.0.len() + self.digits.1.len()).unwrap_or(i64::MAX);
        if self.is_zero() { 0 } else { usize::try_from(digits.saturating_sub(self.exponent)).unwrap_or(0) }
    }

    fn is_zero(&self) -> bool {
        self.digits.0.is_empty() && self.digits.1.is_empty()
    }

    fn cmp(&self, other: &Self) -> Ordering {
        let sign = |number: &Self| if number.is_zero() { 0 } else { 1 - 2 * i8::from(number.negative) };
        let magnitude = || {
            let digits = |number: &Self| number.digits.0.bytes().chain(number.digits.1.bytes());
            self.exponent.cmp(&other.exponent).then_with(|| digits(self).cmp(digits(other)))
        };
        sign(self).cmp(&sign(other)).then_with(|| match sign(self) {
            0 => Ordering::Equal,
            1 => magnitude(),
            _ => magnitude().reverse(),
        })
    }
}

/// The nearest float; infinite if the number exceeds all floats.
fn float(number: &Number) -> f64 {
    number.as_str().parse().unwrap_or(f64::NAN)
}

/// The number as patterns keep it: `-0` as `0`. The two are equal, and only `0` is read back as it was stored.
pub(super) fn canonical(number: &Number) -> Number {
    if number.as_i64() == Some(0) { 0.into() } else { number.clone() }
}

/// Whether `numeric` and `anything-but` can compare with it, or why not.
pub(super) fn comparable(number: &Number) -> Result<(), String> {
    let limit = EventPattern::MAX_NUMBER;
    if compare(number, &limit.into()).is_gt() || compare(number, &(-limit).into()).is_lt() {
        return Err(format!("this number is outside the range from -{limit} to {limit}"));
    }
    let decimals = Decimal::parse(number.as_str()).decimals();
    if decimals > EventPattern::MAX_DECIMALS {
        return Err(format!(
            "this number has {decimals} decimals, but at most {} are allowed",
            EventPattern::MAX_DECIMALS
        ));
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
            ("300", "300.00000000000001", Ordering::Less),
            ("123456789012345678901234567890", "123456789012345678901234567891", Ordering::Less),
            ("-123456789012345678901234567890", "-123456789012345678901234567891", Ordering::Greater),
            ("123456789012345678901234567890", "1.2345678901234567890123456789e29", Ordering::Equal),
            ("18446744073709551617", "18446744073709551616", Ordering::Greater),
            ("0.10000000000000000000000001", "0.1", Ordering::Greater),
            ("1e-400", "0", Ordering::Greater),
            ("-1e-400", "0", Ordering::Less),
            ("1e-99999999999999999999", "1e-400", Ordering::Less),
            ("0e99999999999999999999", "0.000", Ordering::Equal),
            ("-0", "0", Ordering::Equal),
            ("1000e-3", "0.001e3", Ordering::Equal),
        ] {
            assert_eq!(compare(&number(one), &number(other)), order, "{one} and {other}");
            assert_eq!(compare(&number(other), &number(one)), order.reverse(), "{other} and {one}");
        }
    }

    #[test]
    fn a_negative_zero_is_kept_as_zero() {
        assert_eq!(canonical(&number("-0")), number("0"));
        for other in ["0", "-0.0", "-1", "1.50", "18446744073709551617"] {
            assert_eq!(canonical(&number(other)), number(other));
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
