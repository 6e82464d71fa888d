//! What an operator reads at three in the morning: each error of the real program, word by word.

use crate::program::{Engine, Stage, small};

/// A situation, the environment that makes it, and the arguments.
struct Situation {
    name: &'static str,
    environment: &'static [(&'static str, &'static str)],
    arguments: &'static [&'static str],
}

const SITUATIONS: &[Situation] = &[
    Situation {
        name: "no gateway is named",
        environment: &[("IMBRACE_GATEWAY_URL", "")],
        arguments: &["sync", "conv_1"],
    },
    Situation {
        name: "no token is given",
        environment: &[("IMBRACE_ACCESS_TOKEN", "")],
        arguments: &["sync", "conv_1"],
    },
    Situation {
        name: "the token file is not there",
        environment: &[
            ("IMBRACE_ACCESS_TOKEN", ""),
            ("IMBRACE_ACCESS_TOKEN_FILE", "no-token"),
        ],
        arguments: &["sync", "conv_1"],
    },
    Situation {
        name: "the gateway has a path",
        environment: &[],
        arguments: &["sync", "conv_1", "--gateway-url", "https://example.com/3rd"],
    },
    Situation {
        name: "the gateway is not https",
        environment: &[],
        arguments: &["sync", "conv_1", "--gateway-url", "http://example.com"],
    },
    Situation {
        name: "the rate makes no sense",
        environment: &[],
        arguments: &["sync", "conv_1", "--rate", "fast"],
    },
    Situation {
        name: "the database is of another kind",
        environment: &[],
        arguments: &["sync", "conv_1", "--db", "mysql://db/chats"],
    },
    Situation {
        name: "the database's folder is not there",
        environment: &[],
        arguments: &["sync", "conv_1", "--db", "sqlite:nowhere/archive.db"],
    },
    Situation {
        name: "there is no archive to read",
        environment: &[],
        arguments: &["status", "--db", "sqlite:no.db"],
    },
    Situation {
        name: "the file is no database",
        environment: &[],
        arguments: &["status", "--db", "sqlite:lines.txt"],
    },
    Situation {
        name: "lines of the list are bad",
        environment: &[],
        arguments: &["sync", "--ids-from", "lines.txt"],
    },
    Situation {
        name: "the list is not there",
        environment: &[],
        arguments: &["sync", "--ids-from", "no-list.txt"],
    },
    Situation {
        name: "the list is empty",
        environment: &[],
        arguments: &["sync", "--ids-from", "empty.txt"],
    },
    Situation {
        name: "the conversation is not known",
        environment: &[],
        arguments: &["explain", "conv_unknown"],
    },
    Situation {
        name: "the archive belongs to another gateway",
        environment: &[],
        arguments: &["sync", "conv_1", "--gateway-url", "http://127.0.0.1:9"],
    },
    Situation {
        name: "the token is refused",
        environment: &[("IMBRACE_ACCESS_TOKEN", "api_wrong")],
        arguments: &["sync", "conv_1"],
    },
    Situation {
        name: "a conversation is gone",
        environment: &[],
        arguments: &["sync", "conv_gone", "--no-progress"],
    },
];

#[tokio::test]
async fn each_error_says_what_was_done_to_what_and_what_to_do_now() {
    let stage = Stage::new(Engine::Sqlite, small(1, 3)).await;
    std::fs::write(
        stage.path("lines.txt"),
        "conv_1\nconv 2\nhttps://webapp.example/x?id=3\n",
    )
    .unwrap();
    std::fs::write(stage.path("empty.txt"), "# nothing\n").unwrap();
    let ids = stage.simulator.conversation_ids();
    assert_eq!(stage.run(&["sync", &ids[0]]).await.code, 0);

    let mut told = String::new();
    for situation in SITUATIONS {
        let mut command = stage.command(situation.arguments);
        command.envs(situation.environment.iter().copied());
        let ended = crate::program::end(&mut command).await;
        assert_ne!(ended.code, 0, "{}: {}", situation.name, ended.stderr);
        let stderr = without_chance(&ended.stderr, &stage);
        let heading = format!("== {} ({})", situation.name, ended.code);
        told.extend([heading.as_str(), "\n", stderr.as_str(), "\n"]);
    }
    insta::assert_snapshot!(told);
}

/// The text without what differs from run to run.
fn without_chance(text: &str, stage: &Stage) -> String {
    let folder = stage.folder.path().display().to_string();
    let text = text
        .replace(&stage.simulator.base_url(), "http://GATEWAY")
        .replace(&folder, "FOLDER");
    let lines: Vec<String> = text.lines().map(without_ids).collect();
    lines.join("\n")
}

/// A line without request ids and times of day; the words stay.
fn without_ids(line: &str) -> String {
    let line = line.split(" (x-request-id").next().unwrap_or(line);
    let line = without_duration(line);
    let word = |word: &str| {
        let bare = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
        let is_id = bare.len() == 36 && bare.matches('-').count() == 4;
        let is_time = bare.len() >= 20 && bare.parse::<convault::model::Timestamp>().is_ok();
        if is_id {
            word.replace(bare, "REQUEST-ID")
        } else if is_time {
            word.replace(bare, "TIME")
        } else {
            word.to_owned()
        }
    };
    line.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

/// The first line of a summary without how long the run took.
fn without_duration(line: &str) -> String {
    for preposition in [" after ", " in "] {
        if let Some((begins, rest)) = line.split_once(preposition)
            && let Some((_, ends)) = rest.split_once(" s: ")
        {
            return format!("{begins}{preposition}A WHILE: {ends}");
        }
    }
    line.to_owned()
}
