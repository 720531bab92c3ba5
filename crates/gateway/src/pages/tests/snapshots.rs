//! What each page says, word for word.

use insta::assert_snapshot;

use super::world::World;

#[test]
fn every_page() {
    for (name, page) in World::new().pages() {
        assert_snapshot!(name, page.body);
    }
}
