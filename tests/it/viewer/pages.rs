//! What pages show: everything that is archived, escaped, and the same on both engines.

use std::collections::{BTreeSet, VecDeque};

use crate::program::{Engine, claims_on_both_engines};

use super::{
    archive::{HOSTILE, Place, of_everything},
    site::{Site, links},
};

claims_on_both_engines! {
    a_conversation_shows_all_that_its_messages_carry
    a_message_shows_its_versions_and_what_they_changed
    what_is_not_there_is_said_so_in_words_that_help
    the_overview_names_what_needs_attention
    a_search_leads_to_the_message_among_those_around_it
    a_day_begins_where_the_archives_zone_says
}

async fn site(engine: Engine) -> Site {
    let place = Place::new(engine);
    of_everything(&place).await;
    // The folder must live as long as the site reads it.
    let site = Site::over(&place).await;
    std::mem::forget(place);
    site
}

/// Follows every link from the overview on both engines: each page is there, and is the same.
#[tokio::test]
async fn every_page_that_is_linked_is_there_and_the_same_on_both_engines() {
    let places = [Engine::Sqlite, Engine::Postgres].map(Place::new);
    for place in &places {
        of_everything(place).await;
    }
    let (sqlite, postgres) = (Site::over(&places[0]).await, Site::over(&places[1]).await);
    let mut known = BTreeSet::new();
    let mut left = VecDeque::from(["/".to_owned()]);
    while let Some(path) = left.pop_front() {
        let page = sqlite.page(&path).await;
        assert!(page == postgres.page(&path).await, "{path} differs");
        assert!(!page.contains("<script"), "{path} holds a script");
        assert!(!page.contains(" style="), "{path} holds a style");
        assert!(!page.contains("<img src=x"), "{path} holds foreign markup");
        for link in links(&page) {
            let link = link.split('#').next().unwrap().to_owned();
            if known.insert(link.clone()) {
                left.push_back(link);
            }
        }
    }
    for part in [
        "/conversation?",
        "/message?",
        "/run?",
        "/anomalies",
        "/search",
        "/failures",
    ] {
        assert!(known.iter().any(|link| link.starts_with(part)), "{part}");
    }
    assert!(known.len() > 40, "{known:?}");
    assert!(sqlite.end().await >= known.len() as u64);
    postgres.end().await;
}

async fn a_conversation_shows_all_that_its_messages_carry(engine: Engine) {
    let site = site(engine).await;
    let page = site.page("/conversation?id=conv_1").await;
    for shown in [
        "Ada &lt;b&gt;",
        "Orders &amp; &quot;Returns&quot;",
        "陳大文",
        // The edit: what was, and what is.
        "your order <del>",
        "<span class=\"aloud\">[put in: </span>13",
        "Edited: version 2",
        "forget this",
        "Deleted at the gateway",
        // The option that was chosen, and the one that was not.
        "<li><bdi>Blue</bdi></li>",
        "<bdi>Red</bdi> <span class=\"tick\">✓ chosen</span>",
        "An option that the contact chose",
        "href=\"https://files.example/a/b.png?x=1\" rel=\"noreferrer noopener external\"",
        "看這裡",
        "javascript:alert(1)",
        "https://www.openstreetmap.org/?mlat=22.302711&amp;mlon=-114.177216",
        "+852 1234",
        "bea@example.org",
        "hologram",
        "Without a readable time",
        "nobody knows when",
        "Cut off here",
        // 16:00:10 of Hong Kong is 08:00:10 of UTC.
        "datetime=\"2026-07-01T08:00:10.000Z\"",
        ">16:00:10</time>",
        "Wednesday, 1 July 2026",
        "Friday, 3 July 2026",
    ] {
        assert!(page.contains(shown), "{shown}");
    }
    assert!(!page.contains("href=\"javascript"));
    let hostile = site.page("/conversation?id=a%2Fb%2F..%2Fc").await;
    assert!(!hostile.contains(HOSTILE));
    assert!(hostile.contains("&lt;/div&gt;&lt;script&gt;alert("));
    site.end().await;
}

async fn a_message_shows_its_versions_and_what_they_changed(engine: Engine) {
    let site = site(engine).await;
    let page = site.page("/message?conversation=conv_1&id=m_edited").await;
    for shown in [
        "Version 2: edited",
        "Version 1: created",
        "Against version 1:",
        "content.text",
        "SHA-256",
        "&quot;public_id&quot;:&quot;m_edited&quot;",
        "<a href=\"/run?id=2\">run 2</a>",
    ] {
        assert!(page.contains(shown), "{shown}: {page}");
    }
    let page = site.page("/message?conversation=conv_1&id=m_gone").await;
    for shown in [
        "First missed",
        "Confirmed",
        "Version 2: deleted",
        "brought no JSON",
    ] {
        assert!(page.contains(shown), "{shown}: {page}");
    }
    let long = site.page("/message?conversation=conv_1&id=m_long").await;
    assert!(!long.contains("Cut off here"));
    site.end().await;
}

/// Addresses that somebody may mistype or make up, and what is said to them.
const REFUSED: &[(&str, u16, &str)] = &[
    ("/nothing", 404, "No such page"),
    (
        "/conversation?id=conv_2",
        404,
        "The archive holds no conversation",
    ),
    (
        "/conversation?id=%00%FF",
        404,
        "The archive holds no conversation",
    ),
    ("/conversation", 400, "lacks the parameter"),
    ("/conversation?id=", 400, "lacks the parameter"),
    ("/conversation?id=conv_1&before=x", 400, "cannot be read"),
    (
        "/conversation?id=conv_1&day=2026-13-01",
        400,
        "cannot be read",
    ),
    (
        "/conversation?id=conv_1&message=nope",
        404,
        "holds no message",
    ),
    (
        "/conversation?id=conv_1&before=99999999999999_1",
        200,
        "conv_1",
    ),
    (
        "/conversation?id=conv_1&after=99999999999999_1",
        200,
        "no more messages here",
    ),
    (
        "/conversation?id=conv_1&before=-9223372036854775808_1",
        200,
        "conv_1",
    ),
    ("/conversation?id=conv_1&day=-009999-01-01", 200, "conv_1"),
    (
        "/conversation?id=conv_1&day=9999-12-31",
        200,
        "from that day on",
    ),
    (
        "/message?conversation=conv_1&id=nope",
        404,
        "holds no message",
    ),
    ("/message?id=m_1", 400, "lacks the parameter"),
    ("/run?id=99", 404, "holds no run"),
    ("/run?id=one", 404, "holds no run"),
    ("/run?id=-1", 404, "holds no run"),
    ("/runs?below=0", 200, "There are no runs here"),
    ("/failures?class=none", 400, "cannot be read"),
    ("/conversations?state=bad", 400, "cannot be read"),
    ("/conversations?sort=bad", 400, "cannot be read"),
    ("/conversations?words=%27%3B--", 200, "is like that"),
    ("/anomalies?kind=%3Cb%3E", 200, "of the kind &lt;b&gt;"),
    ("/search?words=", 200, "A message is found if"),
    (
        "/search?words=-nothing",
        200,
        "there is no word to look for",
    ),
    ("/search?words=order&after=x", 400, "cannot be read"),
    (
        "/search?words=order&conversation=conv_9",
        200,
        "No message is found",
    ),
    ("/search?words=%22%28%2A%3A%29+OR+NEAR%2F", 200, "Search"),
];

async fn what_is_not_there_is_said_so_in_words_that_help(engine: Engine) {
    let site = site(engine).await;
    for (path, status, words) in REFUSED {
        let answer = site.get(path).await;
        assert_eq!(answer.status, *status, "{path}: {}", answer.body);
        assert!(answer.body.contains(words), "{path}: {}", answer.body);
        assert!(
            answer.body.contains("href=\"/conversations\""),
            "{path} has no menu"
        );
    }
    let long = format!("/search?words={}", "a".repeat(8_000));
    assert_eq!(site.get(&long).await.status, 414);
    site.end().await;
}

async fn the_overview_names_what_needs_attention(engine: Engine) {
    let site = site(engine).await;
    let page = site.page("/").await;
    for shown in [
        "2 open failures</a>: 1 gone, 1 timeout.",
        "href=\"/conversations?state=gone\"",
        "href=\"/conversations?state=failed\"",
        "oddities",
        "<title>2026-07-01: ",
    ] {
        assert!(page.contains(shown), "{shown}: {page}");
    }
    let failures = site.page("/failures").await;
    assert!(failures.contains("it was gone") && failures.contains("it was timeout"));
    let gone = site.page("/failures?class=gone").await;
    assert!(gone.contains("it was gone") && !gone.contains("it was timeout"));
    let run = site.page("/run?id=3").await;
    assert!(run.contains("it was gone") && run.contains("pid 12 on anvil"));
    let before = site.page("/run?id=2").await;
    assert!(!before.contains("it was gone"));
    site.end().await;
}

async fn a_search_leads_to_the_message_among_those_around_it(engine: Engine) {
    let site = site(engine).await;
    let found = site.page("/search?words=%E9%80%80%E6%AC%BE").await;
    assert!(found.contains("One message is found."), "{found}");
    assert!(found.contains("<mark>退款</mark>"));
    let link = "/conversation?id=conv_1&message=m_edited#here";
    assert!(links(&found).contains(&link.to_owned()), "{found}");
    let page = site.page("/conversation?id=conv_1&message=m_edited").await;
    assert_eq!(page.matches("id=\"here\"").count(), 1);
    let here = page.split("id=\"here\"").nth(1).unwrap();
    let bubble = here.split("</article>").next().unwrap();
    assert!(bubble.contains("your order"), "{bubble}");
    let hostile = site.page("/search?words=alert").await;
    assert!(
        hostile.contains("&lt;script&gt;<mark>alert</mark>("),
        "{hostile}"
    );
    for (narrowed, hits) in [
        ("&conversation=conv_1", 0),
        ("&conversation=..", 1),
        ("&sender=u_1", 0),
        ("&type=text", 6),
        ("&deleted=only", 0),
        ("&from=2026-07-02", 0),
        ("&until=2026-07-01", 6),
        ("&until=2026-06-30", 0),
        ("&sort=best", 6),
    ] {
        let page = site.page(&format!("/search?words=alert{narrowed}")).await;
        let found = page.matches("<article class=\"hit\">").count();
        assert_eq!(found, hits, "{narrowed}");
    }
    site.end().await;
}

async fn a_day_begins_where_the_archives_zone_says(engine: Engine) {
    let site = site(engine).await;
    // 3 July, 15:33 of UTC is 23:33 of Hong Kong.
    let from = |day: &str| format!("/conversation?id=conv_1&day={day}");
    assert!(site.page(&from("2026-07-03")).await.contains("days later"));
    assert!(
        site.page(&from("2026-07-04"))
            .await
            .contains("from that day on")
    );
    let first = site.page(&from("2026-07-01")).await;
    assert!(first.contains("your order") && !first.contains("nobody knows when"));
    site.end().await;
}
