//! Text that wants to be more than text.

use proptest::prelude::*;
use scraper::Html;

use super::super::Page;
use super::world::World;

/// The elements and attributes of a page in their order, without any value or text.
fn skeleton(page: &Page) -> Vec<String> {
    let document = Html::parse_document(&page.body);
    let elements = document.root_element().descendants().filter_map(scraper::ElementRef::wrap);
    elements
        .map(|element| {
            let mut attributes: Vec<&str> = element.value().attrs().map(|(name, _)| name).collect();
            attributes.sort_unstable();
            format!("{} {}", element.value().name(), attributes.join(" "))
        })
        .collect()
}

/// Whatever the text is, the pages have the elements that they have for a text of one word.
fn stays_text(text: &str) {
    let plain = World::saying("abc").pages();
    for ((name, page), (_, plain)) in World::saying(text).pages().iter().zip(&plain) {
        assert_eq!(skeleton(page), skeleton(plain), "{name}: {text:?}");
    }
}

#[test]
fn markup_stays_text() {
    for text in [
        "<script>alert(1)</script>",
        "</title><script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "' autofocus onfocus='alert(1)",
        "</bdi></main><form action=https://evil.example><input name=password>",
        "<!--",
        "]]>",
        "&lt;script&gt;",
        "{{ host }}{% raw %}",
        "a\0<b>\0",
        "<svg/onload=alert(1)>",
        "x\u{2028}<p>",
    ] {
        stays_text(text);
    }
}

#[test]
fn what_turns_text_around_or_hides_it_does_not_reach_a_page() {
    let world = World::saying("Cla\u{200b}ude \u{202e}moc.live\u{2066}\u{feff}\u{e0041}");
    let hidden = |character: char| {
        matches!(character, '\u{200b}' | '\u{202e}' | '\u{2066}' | '\u{feff}' | '\u{e0041}')
    };
    for (name, page) in world.pages() {
        assert!(!page.body.contains(hidden), "{name}");
    }
}

#[test]
fn ten_thousand_characters_are_cut() {
    for text in ["x".repeat(10_000), "<".repeat(10_000), "é\u{301}\u{301}\u{301}".repeat(2_500)] {
        for (name, page) in World::saying(&text).pages() {
            assert!(page.body.len() < 20_000, "{name}: {} bytes", page.body.len());
        }
    }
}

#[test]
fn the_end_of_an_address_is_never_cut() {
    let world = World::new();
    let host = format!("https://login.bank.example.{}evil.example", "a.".repeat(110));
    let mut consent = world.consent(&world.document);
    consent.asking.redirect.shown = &host;
    assert!(consent.render().body.contains("evil.example</bdi>"));
}

#[test]
fn a_client_that_says_nothing_is_said_to_say_nothing() {
    let mut world = World::new();
    for name in [None, Some(String::new()), Some("\u{200b}\u{202e} ".to_owned())] {
        world.dynamic.name = name;
        let body = world.consent(&world.dynamic).render().body;
        assert!(body.contains("A client without a name") && body.contains("<dd>nothing</dd>"), "{body}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn any_text_stays_text(text in "x[<>\"'&a-z/= \\PC\\u{0}-\\u{20}]{0,60}") {
        stays_text(&text);
    }
}
