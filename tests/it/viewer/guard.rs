//! Who is answered, and what every answer says about itself.

use crate::program::Engine;

use super::{
    archive::{Place, of_everything},
    site::Site,
};

const PAGES: [&str; 5] = [
    "/",
    "/conversations",
    "/conversation?id=conv_1",
    "/nothing",
    "/run",
];

#[tokio::test]
async fn every_answer_forbids_what_a_page_of_ours_never_does() {
    let place = Place::new(Engine::Sqlite);
    of_everything(&place).await;
    let site = Site::over(&place).await;
    let style = site.page("/").await;
    let style = style.split("rel=\"stylesheet\" href=\"").nth(1).unwrap();
    let style = style.split('"').next().unwrap().to_owned();
    for path in PAGES.iter().copied().chain([style.as_str()]) {
        let answer = site.get(path).await;
        let header = |name: &str| {
            let value = answer.headers.get(name);
            value.map_or("", |value| value.to_str().unwrap()).to_owned()
        };
        assert_eq!(
            header("content-security-policy"),
            "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; \
             base-uri 'none'; frame-ancestors 'none'",
            "{path}"
        );
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("referrer-policy"), "no-referrer");
        assert_eq!(header("x-frame-options"), "DENY");
        assert_eq!(header("cross-origin-resource-policy"), "same-origin");
        assert_eq!(header("cross-origin-opener-policy"), "same-origin");
        let (kind, cached) = if path == style {
            ("text/css; charset=utf-8", "no-cache")
        } else {
            ("text/html; charset=utf-8", "no-store")
        };
        assert_eq!(header("content-type"), kind, "{path}");
        assert_eq!(header("cache-control"), cached, "{path}");
        for name in answer.headers.keys() {
            assert!(
                !name.as_str().starts_with("access-control"),
                "{path}: {name}"
            );
            assert_ne!(name.as_str(), "set-cookie");
        }
    }
    site.end().await;
}

#[tokio::test]
async fn only_what_reads_is_answered() {
    let place = Place::new(Engine::Sqlite);
    of_everything(&place).await;
    let site = Site::over(&place).await;
    for path in PAGES {
        for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"] {
            let answer = site.ask(method, path).await;
            assert_eq!(answer.status, 405, "{method} {path}");
            assert_eq!(answer.headers["allow"], "GET, HEAD");
        }
        let (whole, head) = (site.get(path).await, site.ask("HEAD", path).await);
        assert_eq!(whole.status, head.status, "{path}");
        assert!(head.body.is_empty() && !whole.body.is_empty(), "{path}");
        assert_eq!(
            whole.headers["content-length"],
            head.headers["content-length"]
        );
    }
    site.end().await;
}

/// DNS rebinding: a page elsewhere whose own name was made to lead here.
#[tokio::test]
async fn a_request_under_a_foreign_name_is_told_nothing() {
    let place = Place::new(Engine::Sqlite);
    of_everything(&place).await;
    let site = Site::over(&place).await;
    let asked = |target: &str, hosts: &[&str]| {
        let hosts: Vec<String> = hosts
            .iter()
            .map(|host| format!("Host: {host}\r\n"))
            .collect();
        let hosts = hosts.concat();
        format!("GET {target} HTTP/1.1\r\n{hosts}Connection: close\r\n\r\n")
    };
    for (target, hosts, status) in [
        ("/", &["localhost"][..], 200),
        ("/", &["LOCALHOST:1234"][..], 200),
        ("/", &["127.0.0.1:80"][..], 200),
        ("/", &["[::1]"][..], 200),
        ("/", &["chats.example:8080"][..], 200),
        ("http://localhost/", &["localhost"][..], 200),
        ("/", &["evil.example"][..], 403),
        ("/", &["evil.example:8080"][..], 403),
        ("/", &["localhost.evil.example"][..], 403),
        ("/", &["127.0.0.1:80@evil.example"][..], 403),
        ("/", &["[::1]evil.example"][..], 403),
        ("/", &["127.0.0.1.evil.example"][..], 403),
        ("/", &["10.0.0.1"][..], 403),
        ("/", &["localhost", "evil.example"][..], 400),
        ("/", &["localhost", "localhost"][..], 400),
        ("/", &[][..], 400),
        ("http://evil.example/", &["localhost"][..], 400),
        ("/conversations", &["evil.example"][..], 403),
    ] {
        let answer = site.raw(&asked(target, hosts)).await;
        let first = answer.lines().next().unwrap_or_default();
        assert!(
            first.starts_with(&format!("HTTP/1.1 {status}")),
            "{target} {hosts:?}: {answer}"
        );
        assert_eq!(
            answer.contains("conv_1") || answer.contains("Overview</h1>"),
            status == 200
        );
        assert_eq!(
            answer.contains("the archive</code>"),
            status == 200,
            "{hosts:?}"
        );
    }
    let old = site.raw("GET / HTTP/1.0\r\n\r\n").await;
    assert!(old.starts_with("HTTP/1.0 400"), "{old}");
    site.end().await;
}
