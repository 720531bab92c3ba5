//! The style: enough contrast in light and dark, no rule for nothing, nothing from elsewhere.

use std::collections::{BTreeMap, BTreeSet};

use scraper::{Html, Selector};

use super::world::World;

const STYLE: &str = include_str!("../../../assets/app.css");

type Colours = BTreeMap<&'static str, [f64; 3]>;

/// The colours of each `:root` block: light, then dark.
fn colours() -> Vec<Colours> {
    let blocks = STYLE.split(":root {").skip(1).filter_map(|block| block.split('}').next());
    blocks.map(|block| block.split(';').filter_map(colour).collect()).collect()
}

fn colour(declaration: &'static str) -> Option<(&'static str, [f64; 3])> {
    let (name, value) = declaration.trim().split_once(": #")?;
    let channel = |at: usize| u8::from_str_radix(&value[at..at + 2], 16).map(f64::from).expect("two digits");
    Some((name, [channel(0), channel(2), channel(4)]))
}

/// WCAG 2.2, "relative luminance" and "contrast ratio".
fn contrast(a: [f64; 3], b: [f64; 3]) -> f64 {
    let linear = |channel: f64| {
        let channel = channel / 255.0;
        if channel <= 0.04045 { channel / 12.92 } else { ((channel + 0.055) / 1.055).powf(2.4) }
    };
    let luminance =
        |[red, green, blue]: [f64; 3]| 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
    let (a, b) = (luminance(a) + 0.05, luminance(b) + 0.05);
    a.max(b) / a.min(b)
}

#[test]
fn text_and_edges_stand_out_in_light_and_dark() {
    let text = [
        ("--text", "--ground"),
        ("--text", "--surface"),
        ("--text", "--chip"),
        ("--quiet", "--ground"),
        ("--quiet", "--surface"),
        ("--accent", "--surface"),
        ("--accent", "--chip"),
        ("--on-accent", "--accent"),
        ("--on-accent", "--accent-strong"),
        ("--caution", "--surface"),
        ("--caution", "--caution-ground"),
        ("--problem", "--surface"),
        ("--problem", "--chip"),
        ("--problem", "--problem-ground"),
        ("--done", "--done-ground"),
    ];
    let edges = [("--edge", "--surface"), ("--focus", "--surface"), ("--focus", "--ground")];
    let schemes = colours();
    assert_eq!(schemes.len(), 2);
    for (scheme, colours) in ["light", "dark"].iter().zip(&schemes) {
        for (pairs, least) in [(&text[..], 4.5), (&edges[..], 3.0)] {
            for (front, back) in pairs {
                let ratio = contrast(colours[front], colours[back]);
                assert!(ratio >= least, "{scheme}: {front} on {back} is {ratio:.2}");
            }
        }
    }
}

#[test]
fn the_style_takes_nothing_from_elsewhere() {
    for word in ["url(", "@import", "http:", "https:", "//"] {
        assert!(!STYLE.contains(word), "{word}");
    }
}

#[test]
fn every_class_of_a_page_has_a_rule() {
    let selector = Selector::parse("[class]").expect("a selector");
    let mut classes = BTreeSet::new();
    for (_, page) in World::new().pages() {
        let document = Html::parse_document(&page.body);
        for element in document.select(&selector) {
            classes.extend(element.value().classes().map(str::to_owned));
        }
    }
    for class in classes {
        let has = |end: char| STYLE.contains(&format!(".{class}{end}"));
        assert!([' ', ',', ':', '.', ')'].into_iter().any(has), "{class}");
    }
}
