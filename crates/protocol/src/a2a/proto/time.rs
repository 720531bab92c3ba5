//! `google.protobuf.Timestamp` and `Duration`: both are seconds and nanoseconds, and differ in how JSON writes them.

use std::fmt::Write as _;

use super::{
    ProtoError,
    wire::{self, Fields, VARINT},
};

/// 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z in seconds since 1970.
const YEARS: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;
/// The longest duration, in seconds.
const LONGEST: i64 = 315_576_000_000;
const SECONDS_A_DAY: i64 = 86_400;

/// Seconds and nanoseconds, as both messages carry them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Seconds {
    whole: i64,
    nanos: i32,
}

/// Writes the two fields, each if it is not 0.
pub(super) fn write(out: &mut Vec<u8>, time: Seconds) {
    for (number, value) in [(1, time.whole), (2, i64::from(time.nanos))] {
        if value != 0 {
            wire::write_tag(out, number, VARINT);
            wire::write_int(out, value);
        }
    }
}

/// Reads the two fields.
pub(super) fn read(bytes: &[u8], message: &'static str) -> Result<Seconds, ProtoError> {
    let mut time = Seconds::default();
    for field in Fields::of(bytes) {
        let (number, payload) = field?;
        if !(1..=2).contains(&number) {
            continue;
        }
        let field = if number == 1 { "seconds" } else { "nanos" };
        let value = payload.varint().ok_or(ProtoError::WireType { message, field })?;
        if number == 1 {
            time.whole = i64::from_le_bytes(value.to_le_bytes());
        } else {
            time.nanos = wire::int32(value);
        }
    }
    Ok(time)
}

/// RFC 3339 with upper case letters and any offset. Leap seconds have no number.
pub(super) fn parse_timestamp(text: &str) -> Option<Seconds> {
    let (date, time) = text.split_once('T')?;
    let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
    let zone = time.find(['Z', '+', '-'])?;
    let (time, zone) = time.split_at(zone);
    let (clock, fraction) = time.split_once('.').map_or((time, None), |(clock, it)| (clock, Some(it)));
    let [hour, minute, second] = numbers(clock, ':', [2, 2, 2])?;
    if hour > 23 || minute > 59 || second > 59 || !is_date(year, month, day) {
        return None;
    }
    let nanos = fraction.map_or(Some(0), parse_fraction)?;
    let local = days(year, month, day) * SECONDS_A_DAY + hour * 3_600 + minute * 60 + second;
    let whole = local - offset(zone)?;
    YEARS.contains(&whole).then_some(Seconds { whole, nanos })
}

/// The seconds that an offset from UTC stands for.
fn offset(zone: &str) -> Option<i64> {
    if zone == "Z" {
        return Some(0);
    }
    let (sign, clock) = zone.split_at_checked(1)?;
    let [hours, minutes] = numbers(clock, ':', [2, 2])?;
    if hours > 23 || minutes > 59 {
        return None;
    }
    let seconds = hours * 3_600 + minutes * 60;
    Some(if sign == "-" { -seconds } else { seconds })
}

/// Numbers with so many digits each, and nothing else.
fn numbers<const N: usize>(text: &str, between: char, digits: [usize; N]) -> Option<[i64; N]> {
    let mut parts = text.split(between);
    let mut found = [0; N];
    for (place, length) in found.iter_mut().zip(digits) {
        let part = parts.next().filter(|part| part.len() == length && is_digits(part))?;
        *place = part.parse().ok()?;
    }
    parts.next().is_none().then_some(found)
}

/// One to nine digits behind a point, in nanoseconds.
fn parse_fraction(digits: &str) -> Option<i32> {
    if digits.is_empty() || digits.len() > 9 || !is_digits(digits) {
        return None;
    }
    format!("{digits:0<9}").parse().ok()
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_date(year: i64, month: i64, day: i64) -> bool {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let longest = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return false,
    };
    (1..=longest).contains(&day)
}

/// Days from 1970-01-01 to a date of the proleptic Gregorian calendar. Years begin in March here, so that the leap day is
/// their last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month < 3 { year - 1 } else { year };
    let month = (month + 9) % 12;
    let of_year = (153 * month + 2) / 5 + day - 1;
    year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + of_year - 719_468
}

/// The date that is so many days after 1970-01-01: what [`days`] counts, backwards.
fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let year = year_of_era + era * 400 + i64::from(month >= 10);
    (year, if month < 10 { month + 3 } else { month - 9 }, day)
}

/// As RFC 3339 writes it, in UTC.
pub(super) fn timestamp(time: Seconds) -> Result<String, ProtoError> {
    if !YEARS.contains(&time.whole) || !(0..1_000_000_000).contains(&time.nanos) {
        return Err(ProtoError::Time);
    }
    let (year, month, day) = date(time.whole.div_euclid(SECONDS_A_DAY));
    let second = time.whole.rem_euclid(SECONDS_A_DAY);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    let mut text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}");
    push_fraction(&mut text, time.nanos);
    text.push('Z');
    Ok(text)
}

/// Seconds, up to nine digits behind a point, and an `s`.
pub(super) fn parse_duration(text: &str) -> Option<Seconds> {
    let text = text.strip_suffix('s')?;
    let (sign, text) = text.strip_prefix('-').map_or((1, text), |positive| (-1, positive));
    let (whole, fraction) = text.split_once('.').map_or((text, None), |(whole, it)| (whole, Some(it)));
    if whole.is_empty() || !is_digits(whole) {
        return None;
    }
    let whole: i64 = whole.parse().ok().filter(|whole| *whole <= LONGEST)?;
    let nanos = fraction.map_or(Some(0), parse_fraction)?;
    Some(Seconds { whole: whole * i64::from(sign), nanos: nanos * sign })
}

/// As ProtoJSON writes a duration.
pub(super) fn duration(time: Seconds) -> Result<String, ProtoError> {
    let in_range = (-LONGEST..=LONGEST).contains(&time.whole) && time.nanos.abs_diff(0) < 1_000_000_000;
    let signs_agree = time.whole.signum() * i64::from(time.nanos.signum()) >= 0;
    if !in_range || !signs_agree {
        return Err(ProtoError::Time);
    }
    let sign = if time.whole < 0 || time.nanos < 0 { "-" } else { "" };
    let mut text = format!("{sign}{}", time.whole.abs());
    push_fraction(&mut text, time.nanos);
    text.push('s');
    Ok(text)
}

/// Nothing, three, six or nine digits, as many as are needed.
fn push_fraction(text: &mut String, nanos: i32) {
    let nanos = nanos.abs();
    // Writing to a string does not fail.
    let _ = match nanos {
        0 => Ok(()),
        _ if nanos % 1_000_000 == 0 => write!(text, ".{:03}", nanos / 1_000_000),
        _ if nanos % 1_000 == 0 => write!(text, ".{:06}", nanos / 1_000),
        _ => write!(text, ".{nanos:09}"),
    };
}
