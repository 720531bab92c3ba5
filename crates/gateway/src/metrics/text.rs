//! From the `OpenMetrics` text that the library writes to the text format of Prometheus (version 0.0.4).
//!
//! Every scraper reads the latter, `promtool` too. They differ in what the head of a counter is called, and in
//! lines that Prometheus does not have.

use super::DESCRIPTORS;

/// The content type of the text format.
pub(crate) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The same metrics in the text format of Prometheus.
pub(super) fn of_prometheus(openmetrics: &str) -> String {
    let mut out = String::with_capacity(openmetrics.len() + 256);
    for line in openmetrics.lines().filter(|line| *line != "# EOF") {
        match head(line) {
            Some((keyword, name, rest)) if is_counter(name) => {
                out.extend([keyword, name, "_total ", rest, "\n"]);
            }
            _ => out.extend([line, "\n"]),
        }
    }
    out
}

/// The parts of a `HELP` or `TYPE` line.
fn head(line: &str) -> Option<(&str, &str, &str)> {
    let keyword = ["# HELP ", "# TYPE "].into_iter().find(|keyword| line.starts_with(keyword))?;
    let (name, rest) = line.strip_prefix(keyword)?.split_once(' ')?;
    Some((keyword, name, rest))
}

fn is_counter(name: &str) -> bool {
    DESCRIPTORS.iter().any(|known| known.kind == "counter" && known.name.strip_suffix("_total") == Some(name))
}
