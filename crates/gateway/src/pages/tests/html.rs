//! What holds for the document of every page.

use std::collections::{BTreeMap, BTreeSet};

use scraper::{ElementRef, Html, Selector};

use super::super::*;
use super::world::World;

fn all<'a>(document: &'a Html, selector: &str) -> Vec<ElementRef<'a>> {
    document.select(&Selector::parse(selector).expect("a selector")).collect()
}

fn every_page(holds: impl Fn(&str, &Html)) {
    for (name, page) in World::new().pages() {
        holds(name, &Html::parse_document(&page.body));
    }
}

#[test]
fn every_page_is_html_without_a_mistake() {
    every_page(|name, document| assert_eq!(document.errors, Vec::<String>::new(), "{name}"));
}

#[test]
fn every_page_has_a_language_a_title_one_heading_and_one_main_part() {
    every_page(|name, document| {
        for selector in ["html[lang=en]", "title", "h1", "main", "meta[name=viewport]", "main h1"] {
            assert_eq!(all(document, selector).len(), 1, "{name}: {selector}");
        }
        let levels: Vec<&str> =
            all(document, "h1, h2, h3").iter().map(|heading| heading.value().name()).collect();
        assert_eq!(levels.first(), Some(&"h1"), "{name}");
    });
}

#[test]
fn every_input_has_a_label_and_every_button_a_name() {
    every_page(|name, document| {
        let labels: BTreeSet<&str> =
            all(document, "label[for]").iter().filter_map(|label| label.attr("for")).collect();
        for input in all(document, "input:not([type=hidden])") {
            assert!(input.attr("id").is_some_and(|id| labels.contains(id)), "{name}: {}", input.html());
            assert!(input.attr("autocomplete").is_some() || input.attr("type") == Some("checkbox"), "{name}");
        }
        for element in all(document, "button, a, summary, th, label") {
            assert!(!element.text().collect::<String>().trim().is_empty(), "{name}: {}", element.html());
        }
        assert_eq!(all(document, "button:not([type=submit])").len(), 0, "{name}");
        assert_eq!(all(document, "img:not([alt])").len(), 0, "{name}");
    });
}

#[test]
fn ids_are_unique_and_what_is_referred_to_is_there() {
    every_page(|name, document| {
        let elements = all(document, "[id]");
        let ids: BTreeSet<&str> = elements.iter().filter_map(|element| element.attr("id")).collect();
        assert_eq!(ids.len(), elements.len(), "{name}");
        for attribute in ["for", "aria-describedby", "aria-labelledby"] {
            for element in all(document, &format!("[{attribute}]")) {
                for id in element.attr(attribute).unwrap_or_default().split_whitespace() {
                    assert!(ids.contains(id), "{name}: {id}");
                }
            }
        }
    });
}

#[test]
fn no_page_has_a_program_a_style_or_anything_from_elsewhere() {
    every_page(|name, document| {
        for selector in
            ["script", "style", "[style]", "iframe", "object", "embed", "base", "meta[http-equiv]"]
        {
            assert_eq!(all(document, selector).len(), 0, "{name}: {selector}");
        }
        for link in all(document, "link") {
            assert!(link.attr("href").is_some_and(|path| assets(path).is_some()), "{name}: {}", link.html());
        }
        for element in all(document, "*") {
            for (attribute, value) in element.value().attrs() {
                assert!(!attribute.starts_with("on"), "{name}: {attribute}");
                match attribute {
                    "src" => assert!(assets(value).is_some(), "{name}: {value}"),
                    "href" => assert!(value.starts_with('/') || name == "return", "{name}: {value}"),
                    _ => {}
                }
            }
        }
    });
}

#[test]
fn every_form_posts_here_with_its_proof() {
    every_page(|name, document| {
        for form in all(document, "form") {
            assert_eq!(form.attr("method"), Some("post"), "{name}");
            assert!(
                form.attr("action")
                    .is_some_and(|action| action.starts_with('/') && !action.starts_with("//"))
            );
            let proof =
                Selector::parse("input[type=hidden][name=csrf][value=csrf-token]").expect("a selector");
            assert_eq!(form.select(&proof).count(), 1, "{name}: {}", form.html());
        }
    });
}

#[test]
fn what_waits_behind_a_page_goes_on_with_every_form() {
    let world = World::new();
    for (name, page) in world.pages() {
        if !["sign_in_for_client", "consent_document", "no_access"].contains(&name) {
            continue;
        }
        let document = Html::parse_document(&page.body);
        let carried = all(&document, "form input[name=request][value='dw1.sealed-request']").len();
        assert_eq!(carried, all(&document, "form").len(), "{name}");
    }
}

#[test]
fn local_users_come_first_then_each_provider() {
    let world = World::new();
    let (_, page) = world.pages().swap_remove(0);
    let document = Html::parse_document(&page.body);
    let actions: Vec<&str> = all(&document, "form").iter().filter_map(|form| form.attr("action")).collect();
    assert_eq!(actions, ["/sign-in", "/sign-in/corp", "/sign-in/partner"]);
    let fields: Vec<&str> = all(&document, "form[action='/sign-in'] input")
        .iter()
        .filter_map(|input| input.attr("name"))
        .collect();
    assert_eq!(fields, ["csrf", "username", "password"]);
}

#[test]
fn the_consent_form_comes_first_and_allow_is_its_first_button() {
    let world = World::new();
    for client in [&world.registered, &world.document, &world.dynamic] {
        let document = Html::parse_document(&world.consent(client).render().body);
        let actions: Vec<&str> =
            all(&document, "form").iter().filter_map(|form| form.attr("action")).collect();
        assert_eq!(actions, ["/consent", "/sign-out"]);
        let buttons: Vec<(Option<&str>, Option<&str>)> = all(&document, "form[action='/consent'] button")
            .iter()
            .map(|button| (button.attr("name"), button.attr("value")))
            .collect();
        assert_eq!(buttons, [(Some("decision"), Some("approve")), (Some("decision"), Some("deny"))]);
    }
}

#[test]
fn only_clients_that_can_be_told_apart_may_be_remembered() {
    let world = World::new();
    for (client, remembered) in [(&world.document, 1), (&world.dynamic, 0)] {
        let document = Html::parse_document(&world.consent(client).render().body);
        assert_eq!(all(&document, "input[name=remember]").len(), remembered);
    }
}

#[test]
fn a_client_on_this_computer_is_warned_about_and_one_without_a_voucher_is_named_so() {
    let world = World::new();
    let dynamic = world.consent(&world.dynamic).render().body;
    assert!(
        dynamic.contains("any program on this computer")
            && dynamic.contains("registered itself on 21 November")
    );
    let document = world.consent(&world.document).render().body;
    assert!(
        !document.contains("any program on this computer") && document.contains("claude.ai</bdi>, where")
    );
    let registered = world.consent(&world.registered).render().body;
    assert!(registered.contains("Your operator, who registered it here as"));
}

#[test]
fn nothing_tells_whether_a_user_exists() {
    let world = World::new();
    let wrong =
        world.pages().into_iter().find(|(name, _)| *name == "sign_in_wrong").expect("the page").1.body;
    assert!(wrong.contains("The name or the password is not right."));
    for word in ["unknown", "no such", "does not exist", "not found"] {
        assert!(!wrong.contains(word), "{word}");
    }
}

#[test]
fn only_administrators_see_whose_a_grant_is() {
    let world = World::new();
    let pages: BTreeMap<_, _> = world.pages().into_iter().collect();
    assert!(pages["my_access_administrator"].body.contains("bob"));
    assert!(!pages["my_access"].body.contains("data-label=\"For\""));
    assert!(pages["my_connections_administrator"].body.contains("everybody"));
    assert!(!pages["my_connections"].body.contains("data-label=\"Of\""));
}

#[test]
fn where_a_person_is_sent_stands_on_the_page_before_the_button_that_leads_there() {
    let world = World::new();
    let pages: BTreeMap<_, _> = world.pages().into_iter().collect();
    for name in ["connect", "connect_for_client", "connect_shared"] {
        let body = &pages[name].body;
        let (address, button) =
            (body.find("https://login.partner.example"), body.find("Go there and connect"));
        assert!(address.expect("the address") < button.expect("the button"), "{name}");
        assert!(!body.contains("href=\"https:"), "{name}: nobody gets there without the form");
    }
    let document = Html::parse_document(&pages["connect_for_client"].body);
    let actions: Vec<&str> = all(&document, "form").iter().filter_map(|form| form.attr("action")).collect();
    assert_eq!(actions, ["/connect/agent/helper", "/authorize/continue", "/sign-out"]);
}

#[test]
fn a_link_that_would_run_is_no_link() {
    for url in ["javascript:alert(1)", "java\nscript:alert(1)", "data:text/html,x", "vbscript:x", "", "/here"]
    {
        let page = ReturnPage { host: "gw", shown: "x", url, text: "x" }.render();
        let document = Html::parse_document(&page.body);
        assert_eq!(all(&document, "main a").len(), 0, "{url:?}");
    }
    let page =
        ReturnPage { host: "gw", shown: "cursor://", url: "cursor://callback?error=x", text: "x" }.render();
    assert_eq!(all(&Html::parse_document(&page.body), "main a[href^='cursor:']").len(), 1);
}
