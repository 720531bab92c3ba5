//! JSON as editors write it: with comments, trailing commas and a byte order mark.
//!
//! What JSON does not have becomes white space of the same length, so that places in complaints stay true.
//! Judging the result is left to the JSON reader.

use bytes::Bytes;

/// The text as plain JSON.
pub(super) fn plain(text: &[u8]) -> Bytes {
    let mut out = text.to_vec();
    if out.starts_with("\u{feff}".as_bytes()) {
        out[..3].fill(b' ');
    }
    let mut at = 0;
    // A comma after which nothing but white space came so far.
    let mut comma = None;
    while at < out.len() {
        match out[at] {
            b'"' => {
                at = after_string(&out, at);
                comma = None;
                continue;
            }
            b'/' if matches!(out.get(at + 1), Some(b'/' | b'*')) => {
                let end = after_comment(&out, at);
                blank(&mut out[at..end]);
                at = end;
                continue;
            }
            b',' => comma = Some(at),
            b']' | b'}' => {
                if let Some(comma) = comma.take() {
                    out[comma] = b' ';
                }
            }
            b' ' | b'\t' | b'\r' | b'\n' => {}
            _ => comma = None,
        }
        at += 1;
    }
    out.into()
}

/// Where a string ends that begins at `start`.
fn after_string(text: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    text.len()
}

/// Where a comment ends that begins at `start`.
fn after_comment(text: &[u8], start: usize) -> usize {
    let rest = &text[start + 2..];
    let length = if text[start + 1] == b'/' {
        rest.iter().position(|byte| *byte == b'\n')
    } else {
        rest.windows(2).position(|pair| pair == b"*/").map(|end| end + 2)
    };
    length.map_or(text.len(), |length| start + 2 + length)
}

fn blank(bytes: &mut [u8]) {
    for byte in bytes.iter_mut().filter(|byte| !matches!(byte, b'\n' | b'\r')) {
        *byte = b' ';
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn json(text: &str) -> Option<serde_json::Value> {
        serde_json::from_slice(&plain(text.as_bytes())).ok()
    }

    #[test]
    fn comments_and_trailing_commas_go() {
        for text in [
            "\u{feff}{\"a\": [1, 2,], // one\n \"b\": \"x\", /* two\n */ }",
            "/**/{\"a\":[1,2, /* , */ ],\"b\":\"x\"}// end",
        ] {
            assert_eq!(json(text), Some(serde_json::json!({ "a": [1, 2], "b": "x" })), "{text}");
        }
    }

    #[test]
    fn strings_stay_as_they_are() {
        let text = r#"{"a":"// no, /* no */ \",]","b":"\\"}"#;
        assert_eq!(plain(text.as_bytes()), text.as_bytes());
    }

    #[test]
    fn what_is_no_json_does_not_become_json() {
        for text in ["[,]x", "[1,,2]", "[1 2]", "/", "\"", "\"\\", "/* {}", "{\"a\" 1}"] {
            assert_eq!(json(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_keeps_its_length_and_lines(text in "[\\PC\n\"/*,\\\\\\[\\]{}]{0,60}") {
            let plain = plain(text.as_bytes());
            prop_assert_eq!(plain.len(), text.len());
            let lines = |bytes: &[u8]| bytes.split(|byte| *byte == b'\n').map(<[u8]>::len).collect::<Vec<_>>();
            prop_assert_eq!(lines(&plain), lines(text.as_bytes()));
        }

        #[test]
        fn json_without_comments_stays_as_it_is(items in prop::collection::vec("\\PC{0,8}", 0..5)) {
            let text = serde_json::json!({ "a": items, "b": [[1, 2], {}] }).to_string();
            let plain = plain(text.as_bytes());
            prop_assert_eq!(&plain[..], text.as_bytes());
        }
    }
}
