//! Sizes and durations as people write them: `4MiB`, `30s`.

use std::time::Duration;

use crate::mistake::Complaint;

const SIZES: [(&str, u64); 4] = [("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];
const TIMES: [(&str, u64); 5] =
    [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 24 * 3_600_000)];

/// A size in bytes from a whole number and a unit.
pub(crate) fn size(text: &str) -> Result<u64, Complaint> {
    scaled(text, &SIZES).ok_or_else(|| {
        Complaint::new("expected a size: a whole number of B, KiB, MiB or GiB").hint("such as \"4MiB\"")
    })
}

/// A duration from a whole number and a unit.
pub(crate) fn duration(text: &str) -> Result<Duration, Complaint> {
    scaled(text, &TIMES).map(Duration::from_millis).ok_or_else(|| {
        Complaint::new("expected a duration: a whole number of ms, s, m, h or d").hint("such as \"30s\"")
    })
}

fn scaled(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let unit_start = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(unit_start);
    let (_, scale) = units.iter().find(|(name, _)| *name == unit)?;
    number.parse::<u64>().ok()?.checked_mul(*scale)
}

/// A size in the largest unit that says it exactly.
pub(crate) fn show_size(bytes: u64) -> String {
    show(bytes, &SIZES)
}

/// A duration in the largest unit that says it exactly.
pub(crate) fn show_duration(duration: Duration) -> String {
    show(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX), &TIMES)
}

fn show(amount: u64, units: &[(&str, u64)]) -> String {
    let fits = |(_, scale): &&(&str, u64)| amount > 0 && amount.is_multiple_of(*scale);
    let (unit, scale) = units.iter().rev().find(fits).unwrap_or(&units[usize::from(amount == 0)]);
    format!("{}{unit}", amount / scale)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sizes_and_durations_have_units() {
        assert_eq!(size("4MiB"), Ok(4 << 20));
        assert_eq!(size("10B"), Ok(10));
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(duration("24h"), Ok(Duration::from_hours(24)));
        for bad in ["", "4", "MiB", "4 MiB", "4MB", "4mib", "-4MiB", "4.5MiB", "99999999999999999999B"] {
            assert!(size(bad).is_err(), "{bad}");
        }
        for bad in ["", "5", "s", "5 s", "5sec", "-5s", "1.5s", "1h30m", "18446744073709551615d"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_reads_back(amount in 0_u64..1 << 50) {
            prop_assert_eq!(size(&show_size(amount)), Ok(amount));
            let time = Duration::from_millis(amount);
            prop_assert_eq!(duration(&show_duration(time)), Ok(time));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC*") {
            let _ = size(&text);
            let _ = duration(&text);
        }
    }
}
