//! HTML: harmless, self-contained, and with everything that a message is and was.

use std::collections::BTreeMap;

use convault::simulator::Mutation;

use super::{archived, change, export, sync, tree};
use crate::program::{Engine, Stage};

const EVIL: &str = r#"</div><script src=\"https://evil.example/x.js\">alert(1)</script><img src=x onerror=alert(1)>"#;

/// The pages of an export, the manifest left out.
async fn pages(stage: &Stage, arguments: &[&str]) -> BTreeMap<String, String> {
    let folder = export(
        stage,
        "pages",
        &[&["--format", "html", "--replace"], arguments].concat(),
    )
    .await;
    let mut files = tree(&folder);
    files.remove("_manifest.json").unwrap();
    let texts = files.into_iter();
    texts
        .map(|(path, bytes)| (path, String::from_utf8(bytes).unwrap()))
        .collect()
}

/// The values of an attribute in a page.
fn values<'a>(page: &'a str, attribute: &str) -> Vec<&'a str> {
    let begin = format!(" {attribute}=\"");
    let pieces = page.split(begin.as_str()).skip(1);
    pieces.map(|rest| rest.split('"').next().unwrap()).collect()
}

pub(super) async fn pages_hold_no_script_and_load_nothing(engine: Engine) {
    let stage = archived(engine, &[60, 4]).await;
    let evil = format!(
        r#"{{"_id":"m_evil","type":"text","from":"{EVIL}","content":{{"text":"{EVIL}","title":"{EVIL}"}}}}"#
    );
    let key = "(select max(message_key) from message_versions)";
    stage
        .execute(&format!(
            "update message_versions set raw = '{evil}' where message_key = {key}"
        ))
        .await;
    let pages = pages(&stage, &[]).await;
    assert_eq!(pages.len(), 3);
    assert!(
        pages
            .values()
            .any(|page| page.contains("&lt;script src=&quot;https://evil"))
    );
    for (path, page) in &pages {
        for forbidden in [
            "<script",
            "<img",
            "<link",
            "<iframe",
            "<object",
            "url(",
            "@import",
            "javascript:",
        ] {
            assert!(!page.contains(forbidden), "{path} holds {forbidden}");
        }
        assert_eq!(values(page, "src"), Vec::<&str>::new(), "{path}");
        for link in values(page, "href") {
            let folder = std::path::Path::new(path).parent().unwrap();
            assert!(
                !link.contains(':') && !link.starts_with('/'),
                "{path}: {link}"
            );
            assert!(
                stage.path("pages").join(folder).join(link).exists(),
                "{path}: {link}"
            );
        }
        let policy = values(page, "content")[0];
        assert!(
            policy.starts_with("default-src &#39;none&#39;")
                || policy.starts_with("default-src 'none'"),
            "{policy}"
        );
        assert!(!policy.contains("unsafe"), "{policy}");
        let policy_at = page.find("Content-Security-Policy").unwrap();
        assert!(
            policy_at < page.find("<style>").unwrap(),
            "the policy comes first"
        );
    }
    stage.end().await;
}

pub(super) async fn edits_deletions_and_choices_are_on_the_pages(engine: Engine) {
    let stage = archived(engine, &[150, 40]).await;
    let words = "select text from v_messages where conversation_id = (select max(id) from \
                 v_conversations where message_count = 40) and id = ";
    let last = "(select id from v_messages where conversation_id = (select max(id) from \
                v_conversations where message_count = 40) order by created_ms desc limit 1)";
    let before = stage.texts(&format!("{words}{last}")).await.remove(0);
    change(&stage, 1, &Mutation::Edit { positions: vec![0] });
    change(&stage, 1, &Mutation::Delete { positions: vec![6] });
    sync(&stage).await;
    sync(&stage).await;
    let found = pages(&stage, &[]).await;
    let page = &found["conversations/000/000002.html"];
    assert_eq!(
        page.matches("deleted at the gateway, first absent").count(),
        1
    );
    assert_eq!(page.matches("class=\"message").count(), 40);
    assert!(page.contains("edited, seen "), "the edit is told");
    if !before.is_empty() {
        assert!(
            page.contains("<del>") || page.contains("with the same words"),
            "{before}"
        );
    }
    assert!(page.contains("Times are those of Asia/Hong_Kong."));

    // Options that the view says were chosen are marked; one page holds offer and choice.
    let chosen = stage
        .number("select count(*) from v_quick_reply_funnel where is_chosen")
        .await;
    let offered = stage
        .number("select count(*) from v_quick_reply_options")
        .await;
    assert!(chosen > 0 && offered > chosen);
    let all: String = found.values().map(String::as_str).collect();
    let marked = all.matches("<span class=\"tag\">chosen").count();
    assert!(
        i64::try_from(marked).unwrap() >= chosen,
        "{marked} of {chosen}"
    );
    let shown = all.matches("<li dir=\"auto\"").count();
    assert_eq!(i64::try_from(shown).unwrap(), offered);

    // As it was before the edit and the deletion.
    let spelled = match engine {
        Engine::Sqlite => "finished_at",
        Engine::Postgres => {
            "to_char(finished_at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"
        }
    };
    let then = format!("select {spelled} from v_runs where id = 1");
    let then = stage.texts(&then).await.remove(0);
    let past = pages(&stage, &["--as-of", &then]).await;
    let page = &past["conversations/000/000002.html"];
    assert!(!page.contains("deleted at the gateway") && !page.contains("edited, seen"));
    assert!(page.contains("Only what was archived by"));
    stage.end().await;
}

pub(super) async fn a_long_conversation_is_many_pages(engine: Engine) {
    let stage = archived(engine, &[2_600, 5]).await;
    let pages = pages(&stage, &[]).await;
    let counts: Vec<(&str, usize)> = pages
        .iter()
        .map(|(path, page)| (path.as_str(), page.matches("class=\"message").count()))
        .collect();
    assert_eq!(
        counts,
        [
            ("conversations/000/000001-2.html", 1_000),
            ("conversations/000/000001-3.html", 600),
            ("conversations/000/000001.html", 1_000),
            ("conversations/000/000002.html", 5),
            ("index.html", 0),
        ]
    );
    let middle = values(&pages["conversations/000/000001-2.html"], "href");
    for link in ["000001.html", "000001-3.html", "../../index.html"] {
        assert!(middle.contains(&link), "{middle:?}");
    }
    assert!(!values(&pages["conversations/000/000001-3.html"], "href").contains(&"000001-4.html"));
    assert!(pages["index.html"].contains("(3 pages)"));
    stage.end().await;
}
