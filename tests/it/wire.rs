//! The vendor's documented bodies, to the byte, through the reading of pages and links.

use bytes::Bytes;
use convault::wire::{Links, Page};

const MESSAGES: &str = include_str!("fixtures/vendor/messages.json");
const LINKS: &str = include_str!("fixtures/vendor/links.json");

#[test]
fn the_vendors_page_gives_each_message_as_the_exact_bytes() {
    let page = Page::parse(Bytes::from_static(MESSAGES.as_bytes())).expect("a page");
    assert_eq!(page.count(), Some(304));
    assert_eq!(page.len(), 3);
    let mut rest = MESSAGES;
    for item in page.items() {
        let at = rest.find(item).expect("the item stands in the body");
        assert!(item.starts_with('{') && item.ends_with('}'));
        assert!(item.contains("\n                \"_id\": \"msg_"));
        rest = &rest[at + item.len()..];
    }
}

#[test]
fn the_vendors_links_are_read() {
    let links = Links::parse(&Bytes::from_static(LINKS.as_bytes())).expect("links");
    insta::assert_debug_snapshot!(links);
}

#[test]
fn the_vendors_error_bodies_are_neither_a_page_nor_links() {
    for body in [
        include_str!("fixtures/vendor/messages-400.json"),
        include_str!("fixtures/vendor/messages-401.json"),
        include_str!("fixtures/vendor/messages-404.json"),
        include_str!("fixtures/vendor/links-400-phone-numbers.json"),
        include_str!("fixtures/vendor/links-400-organization-id.json"),
        include_str!("fixtures/vendor/links-401.json"),
        include_str!("fixtures/vendor/links-404.json"),
    ] {
        let body = Bytes::from_static(body.as_bytes());
        assert!(Page::parse(body.clone()).is_err());
        assert!(Links::parse(&body).is_err());
    }
}

#[test]
fn a_page_cut_short_anywhere_is_malformed() {
    let end = MESSAGES.trim_end().len();
    for length in 0..end {
        let body = Bytes::copy_from_slice(&MESSAGES.as_bytes()[..length]);
        assert!(Page::parse(body).is_err(), "cut at {length}");
    }
}
