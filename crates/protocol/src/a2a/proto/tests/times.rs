use super::super::time::{duration, parse_duration, parse_timestamp, read, timestamp, write};

/// What comes back of a time after a way through protobuf.
fn back(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    write(&mut bytes, parse_timestamp(text)?);
    Some(timestamp(read(&bytes, "Timestamp").unwrap()).unwrap())
}

#[test]
fn points_in_time_are_written_in_utc_with_as_many_digits_as_they_need() {
    for (text, written) in [
        ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z"),
        ("2026-11-21T16:58:01.5Z", "2026-11-21T16:58:01.500Z"),
        ("2026-11-21T16:58:01.000001Z", "2026-11-21T16:58:01.000001Z"),
        ("2026-11-21T16:58:01.000000001Z", "2026-11-21T16:58:01.000000001Z"),
        ("2026-11-21T16:58:01.120000000Z", "2026-11-21T16:58:01.120Z"),
        ("2024-02-29T23:59:59+01:30", "2024-02-29T22:29:59Z"),
        ("2023-12-31T23:59:59-00:01", "2024-01-01T00:00:59Z"),
        ("1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
        ("9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59.999999999Z"),
        ("2000-02-29T00:00:00Z", "2000-02-29T00:00:00Z"),
    ] {
        assert_eq!(back(text).as_deref(), Some(written), "{text}");
    }
}

#[test]
fn what_is_no_point_in_time_is_refused() {
    for text in [
        "",
        "2026-11-21",
        "2026-11-21T16:58:01",
        "2026-11-21t16:58:01Z",
        "2026-11-21T16:58:01z",
        "2026-11-21 16:58:01Z",
        "2026-11-21T16:58Z",
        "2026-11-21T16:58:60Z",
        "2026-11-21T24:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-02-29T00:00:00Z",
        "2100-02-29T00:00:00Z",
        "2026-11-31T00:00:00Z",
        "2026-11-21T16:58:01.Z",
        "2026-11-21T16:58:01.1234567890Z",
        "2026-11-21T16:58:01Z ",
        "2026-11-21T16:58:01+0100",
        "2026-11-21T16:58:01+24:00",
        "2026-11-21T16:58:01+",
        "2026-11-21T16:58:01+é:00",
        "+026-11-21T16:58:01Z",
        "12026-11-21T16:58:01Z",
        "0001-01-01T00:00:00+00:01",
        "0000-01-01T00:00:00Z",
    ] {
        assert_eq!(back(text), None, "{text}");
    }
}

#[test]
fn every_day_of_four_centuries_comes_back() {
    for (year, leap) in (1800..2200).map(|year| (year, year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)))
    {
        for (month, days) in
            [31, 28 + i32::from(leap), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31].iter().enumerate()
        {
            for day in 1..=*days {
                let text = format!("{year}-{:02}-{day:02}T12:00:00Z", month + 1);
                assert_eq!(back(&text).as_deref(), Some(&*text));
            }
        }
    }
}

#[test]
fn protobuf_times_out_of_range_have_no_text() {
    for bytes in [
        &b"\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"[..],
        b"\x10\x80\x94\xeb\xdc\x03",
        b"\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01",
        b"\x08\x80\xa2\xa2\xd9\xd7\x07\x08\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
    ] {
        assert!(timestamp(read(bytes, "Timestamp").unwrap()).is_err(), "{bytes:?}");
    }
    // Signs of seconds and their fraction differ.
    assert!(
        duration(read(b"\x08\x01\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "Duration").unwrap()).is_err()
    );
    assert!(duration(read(b"\x10\x80\x80\x80\x80\xf8\xff\xff\xff\xff\x01", "Duration").unwrap()).is_err());
}

#[test]
fn durations_are_seconds() {
    let back = |text: &str| duration(parse_duration(text)?).ok();
    for (text, written) in [
        ("1s", "1s"),
        ("1.5s", "1.500s"),
        ("-0.000001s", "-0.000001s"),
        ("-3.1s", "-3.100s"),
        ("0s", "0s"),
        ("-0s", "0s"),
        ("315576000000s", "315576000000s"),
    ] {
        assert_eq!(back(text).as_deref(), Some(written), "{text}");
    }
    for text in
        ["", "s", "1", "1.s", ".5s", "1 s", "+1s", "--1s", "315576000001s", "1e3s", "99999999999999999999s"]
    {
        assert_eq!(back(text), None, "{text}");
    }
}
