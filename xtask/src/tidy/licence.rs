//! Which licences the program may be built from, read as SPDX expressions.

/// Permissive licences, and the two with conditions that a statically linked program can keep.
const ALLOWED: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "MPL-2.0",
    "OpenSSL",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Whether the expression leaves a choice that we may take. An absent licence does not.
pub(super) fn is_allowed(expression: &str) -> bool {
    // Old manifests write `MIT/Apache-2.0`.
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    either(&mut rest) && rest.is_empty()
}

fn either(rest: &mut &[&str]) -> bool {
    let mut allowed = both(rest);
    while let Some((&"OR", tail)) = rest.split_first() {
        *rest = tail;
        // Not `||`: the right side must be read in any case.
        allowed |= both(rest);
    }
    allowed
}

fn both(rest: &mut &[&str]) -> bool {
    let mut allowed = one(rest);
    while let Some((&"AND", tail)) = rest.split_first() {
        *rest = tail;
        allowed &= one(rest);
    }
    allowed
}

fn one(rest: &mut &[&str]) -> bool {
    match **rest {
        ["(", ref tail @ ..] => {
            *rest = tail;
            let allowed = either(rest);
            match rest.split_first() {
                Some((&")", tail)) => *rest = tail,
                _ => return false,
            }
            allowed
        }
        [name, "WITH", exception, ref tail @ ..] => {
            *rest = tail;
            ALLOWED.contains(&format!("{name} WITH {exception}").as_str())
        }
        [name, ref tail @ ..] => {
            *rest = tail;
            ALLOWED.contains(&name)
        }
        [] => false,
    }
}
