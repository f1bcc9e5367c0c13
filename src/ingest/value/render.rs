//! Numbers, dates and times as text; the rules stand at [`TextColumn`](super::TextColumn).

use std::fmt::Write;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, PrimitiveArray, StringViewArray, StringViewBuilder};
use arrow::datatypes::*;

use super::ValueError;
use super::calendar::civil_from_days;

/// Renders a column that is not text.
pub(super) fn rendered(array: &ArrayRef) -> Result<StringViewArray, ValueError> {
    Ok(match array.data_type() {
        DataType::Null => StringViewArray::new_null(array.len()),
        DataType::Boolean => array.as_boolean().iter().map(|value| value.map(|value| if value { "true" } else { "false" })).collect(),
        DataType::Int8 => integers::<Int8Type>(array),
        DataType::Int16 => integers::<Int16Type>(array),
        DataType::Int32 => integers::<Int32Type>(array),
        DataType::Int64 => integers::<Int64Type>(array),
        DataType::UInt8 => integers::<UInt8Type>(array),
        DataType::UInt16 => integers::<UInt16Type>(array),
        DataType::UInt32 => integers::<UInt32Type>(array),
        DataType::UInt64 => integers::<UInt64Type>(array),
        DataType::Float16 => each::<Float16Type>(array, |out, value| float(out, value.is_finite(), value.to_f32())),
        DataType::Float32 => each::<Float32Type>(array, |out, value| float(out, value.is_finite(), value)),
        DataType::Float64 => each::<Float64Type>(array, |out, value| float(out, value.is_finite(), value)),
        DataType::Decimal32(_, scale) => each::<Decimal32Type>(array, |out, value| decimal(out, &value.to_string(), *scale)),
        DataType::Decimal64(_, scale) => each::<Decimal64Type>(array, |out, value| decimal(out, &value.to_string(), *scale)),
        DataType::Decimal128(_, scale) => each::<Decimal128Type>(array, |out, value| decimal(out, &value.to_string(), *scale)),
        DataType::Decimal256(_, scale) => each::<Decimal256Type>(array, |out, value| decimal(out, &value.to_string(), *scale)),
        DataType::Date32 => each::<Date32Type>(array, |out, value| date(out, i64::from(value))),
        DataType::Date64 => each::<Date64Type>(array, |out, value| date(out, value.div_euclid(86_400_000))),
        DataType::Timestamp(unit, zone) => timestamps(array, *unit, zone.is_some()),
        DataType::Time32(TimeUnit::Second) => each::<Time32SecondType>(array, |out, value| time(out, i64::from(value), 1)),
        DataType::Time32(_) => each::<Time32MillisecondType>(array, |out, value| time(out, i64::from(value), 1_000)),
        DataType::Time64(TimeUnit::Microsecond) => each::<Time64MicrosecondType>(array, |out, value| time(out, value, 1_000_000)),
        DataType::Time64(_) => each::<Time64NanosecondType>(array, |out, value| time(out, value, 1_000_000_000)),
        other => return Err(ValueError { data_type: other.clone(), wanted: "text" }),
    })
}

/// Renders each value into one buffer; `render` says whether there is a text.
fn each<T: ArrowPrimitiveType>(array: &ArrayRef, render: impl Fn(&mut String, T::Native) -> bool) -> StringViewArray {
    let array: &PrimitiveArray<T> = array.as_primitive::<T>();
    let mut builder = StringViewBuilder::with_capacity(array.len());
    let mut text = String::new();
    for value in array.iter() {
        text.clear();
        match value {
            Some(value) if render(&mut text, value) => builder.append_value(&text),
            _ => builder.append_null(),
        }
    }
    builder.finish()
}

fn integers<T: ArrowPrimitiveType>(array: &ArrayRef) -> StringViewArray
where
    T::Native: Into<i128>,
{
    each::<T>(array, |out, value| {
        let value: i128 = value.into();
        match u64::try_from(value.unsigned_abs()) {
            Ok(digits) => push_integer(out, value < 0, digits),
            Err(_) => push(out, format_args!("{value}")),
        }
    })
}

/// Writes digits; the formatting machinery takes four times as long, and whole identifier columns come through here.
fn push_integer(out: &mut String, is_negative: bool, mut rest: u64) -> bool {
    let mut digits = [b'0'; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if is_negative {
        out.push('-');
    }
    out.extend(digits[at..].iter().map(|&digit| char::from(digit)));
    true
}

fn push(out: &mut String, text: std::fmt::Arguments<'_>) -> bool {
    out.write_fmt(text).expect("writing to a string can't fail");
    true
}

fn float<F: std::fmt::Display>(out: &mut String, is_finite: bool, value: F) -> bool {
    if !is_finite {
        return false;
    }
    // Display writes the fewest digits that read back as the same float, and no exponent.
    push(out, format_args!("{value}"));
    if out == "-0" {
        out.remove(0);
    }
    true
}

/// Writes the unscaled digits of a decimal with its point, without zeros at the end of the fraction.
fn decimal(out: &mut String, unscaled: &str, scale: i8) -> bool {
    let (sign, digits) = unscaled.strip_prefix('-').map_or(("", unscaled), |digits| ("-", digits));
    out.push_str(sign);
    let Ok(places) = usize::try_from(scale) else {
        out.push_str(digits);
        let zeros = if digits == "0" { 0 } else { usize::from(scale.unsigned_abs()) };
        out.extend(std::iter::repeat_n('0', zeros));
        return true;
    };
    let whole = digits.len().saturating_sub(places);
    out.push_str(if whole == 0 { "0" } else { &digits[..whole] });
    let fraction = digits[whole..].trim_end_matches('0');
    if !fraction.is_empty() {
        out.push('.');
        out.extend(std::iter::repeat_n('0', places.saturating_sub(digits.len())));
        out.push_str(fraction);
    }
    true
}

fn date(out: &mut String, days: i64) -> bool {
    let (year, month, day) = civil_from_days(days);
    match year {
        0..=9999 => push(out, format_args!("{year:04}-{month:02}-{day:02}")),
        _ => push(out, format_args!("{year:+06}-{month:02}-{day:02}")),
    }
}

/// Writes a time of day given in parts of a second.
fn time(out: &mut String, value: i64, per_second: i64) -> bool {
    let (seconds, part) = (value.div_euclid(per_second), value.rem_euclid(per_second));
    push(out, format_args!("{:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60));
    if part != 0 {
        let places = per_second.ilog10() as usize;
        push(out, format_args!(".{part:0places$}"));
        out.truncate(out.trim_end_matches('0').len());
    }
    true
}

fn timestamps(array: &ArrayRef, unit: TimeUnit, is_utc: bool) -> StringViewArray {
    let write = |per_second: i64| {
        move |out: &mut String, value: i64| {
            let per_day = 86_400 * per_second;
            date(out, value.div_euclid(per_day));
            out.push('T');
            time(out, value.rem_euclid(per_day), per_second);
            if is_utc {
                out.push('Z');
            }
            true
        }
    };
    match unit {
        TimeUnit::Second => each::<TimestampSecondType>(array, write(1)),
        TimeUnit::Millisecond => each::<TimestampMillisecondType>(array, write(1_000)),
        TimeUnit::Microsecond => each::<TimestampMicrosecondType>(array, write(1_000_000)),
        TimeUnit::Nanosecond => each::<TimestampNanosecondType>(array, write(1_000_000_000)),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::*;

    use super::*;

    #[track_caller]
    fn check_text(array: impl Array + 'static, expected: &[&str]) {
        let array: ArrayRef = Arc::new(array);
        let text = rendered(&array).unwrap();
        let found: Vec<&str> = text.iter().map(|value| value.unwrap_or("null")).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn integers_are_written_as_they_are() {
        check_text(
            Int64Array::from(vec![Some(0), None, Some(-7), Some(i64::MIN), Some(i64::MAX)]),
            &["0", "null", "-7", "-9223372036854775808", "9223372036854775807"],
        );
        check_text(UInt64Array::from(vec![u64::MAX]), &["18446744073709551615"]);
        check_text(Int8Array::from(vec![-128]), &["-128"]);
    }

    #[test]
    fn decimals_are_exact_without_zeros_at_the_end() {
        let decimals = |values: Vec<i128>, scale| Decimal128Array::from(values).with_precision_and_scale(38, scale).unwrap();
        check_text(decimals(vec![0, 100, 1_250, -5, 1_200_005], 2), &["0", "1", "12.5", "-0.05", "12000.05"]);
        check_text(decimals(vec![123], 0), &["123"]);
        check_text(decimals(vec![0, 12], -2), &["0", "1200"]);
        check_text(decimals(vec![i128::from(u64::MAX) * 10_000_000_000], 10), &["18446744073709551615"]);
    }

    #[test]
    fn floats_have_no_exponent() {
        let values = vec![0.0, -0.0, 1.0, 0.1, 1e-7, 9_007_199_254_740_992.0, 1e22, -2.5, f64::NAN, f64::INFINITY];
        let expected = ["0", "0", "1", "0.1", "0.0000001", "9007199254740992", "10000000000000000000000", "-2.5", "null", "null"];
        check_text(Float64Array::from(values), &expected);
        check_text(Float32Array::from(vec![0.1, 16_777_216.0]), &["0.1", "16777216"]);
    }

    #[test]
    fn dates_and_times_are_iso() {
        check_text(Date32Array::from(vec![0, 19_782, -1, 2_932_897]), &["1970-01-01", "2024-02-29", "1969-12-31", "+10000-01-01"]);
        check_text(TimestampMicrosecondArray::from(vec![-1, 1_500_000]), &["1969-12-31T23:59:59.999999", "1970-01-01T00:00:01.5"]);
        check_text(TimestampSecondArray::from(vec![86_399]).with_timezone("UTC"), &["1970-01-01T23:59:59Z"]);
        check_text(Time32MillisecondArray::from(vec![36_900_020]), &["10:15:00.02"]);
        check_text(BooleanArray::from(vec![Some(true), Some(false), None]), &["true", "false", "null"]);
        check_text(NullArray::new(2), &["null", "null"]);
    }
}
