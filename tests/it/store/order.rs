//! Claims about which observation is the later one: the archive's own order decides, by run, then
//! request; and about older states that count again.

use convault::{
    model::{Message, RunId},
    store::{Apart, PageWrite, RunStart},
};

use super::{
    place::{Opened, Place, time, versions},
    sample::{absence, message, page},
};

/// A time that only a wrong clock has shown.
const FUTURE: i64 = 34_560_000_000;

async fn next_run(opened: &mut Opened) {
    let start = RunStart {
        command: "sync".into(),
        program_version: "0.1.0".into(),
        holder: "sync, pid 12 on anvil".into(),
        started_at: time(1_000_000),
    };
    opened.run = opened.store.begin_run(&start).await.unwrap();
}

fn updated(raw: &str, at: i64) -> Message {
    Message {
        updated_at: Some(time(at)),
        text: Some(raw.into()),
        ..message("m", 1, raw)
    }
}

async fn texts(place: &Place) -> Vec<String> {
    let rows = place.texts("select text from messages order by key").await;
    rows.into_iter().map(Option::unwrap).collect()
}

pub(super) async fn what_an_earlier_run_has_seen_is_older_whatever_its_date(place: Place) {
    let mut opened = place.open().await;
    let key = opened.register("conv_1").await;
    let states = |raw: &str| {
        let of = |id: &str| message(id, 1, &format!(r#"{{"of":"{id}","is":{raw}}}"#));
        ["edited", "deleted", "back"].map(of).to_vec()
    };
    opened.write(vec![page(key, FUTURE, states("1"))]).await;
    opened
        .write(vec![absence(key, FUTURE + 1, &["back"])])
        .await;
    assert_eq!(opened.live_count(key).await, 2);

    next_run(&mut opened).await;
    let mut later = states("2");
    let (back, _deleted, edited) = (later.pop().unwrap(), later.pop(), later.pop().unwrap());
    opened.write(vec![page(key, 20, vec![edited])]).await;
    opened.write(vec![absence(key, 20, &["deleted"])]).await;
    opened.write(vec![page(key, 20, vec![back])]).await;
    let standing = "select id || ' ' || version || ' ' ||
                        case when missing_since is null then 'live' else 'missing' end
                    from messages order by key";
    let standing = place.texts(standing).await;
    let standing: Vec<String> = standing.into_iter().map(Option::unwrap).collect();
    assert_eq!(
        standing,
        ["edited 2 live", "deleted 1 missing", "back 2 live"]
    );
}

pub(super) async fn within_a_run_a_page_that_was_requested_earlier_takes_nothing_back(
    place: Place,
) {
    let mut opened = place.open().await;
    let key = opened.register("conv_1").await;
    opened
        .write(vec![page(key, FUTURE, vec![message("m", 1, "[1]")])])
        .await;
    next_run(&mut opened).await;
    opened
        .write(vec![page(key, 40, vec![message("m", 1, "[3]")])])
        .await;
    opened
        .write(vec![page(key, 30, vec![message("m", 1, "[2]")])])
        .await;
    opened.write(vec![absence(key, 35, &["m"])]).await;
    assert_eq!(place.number("select version from messages").await, 2);
    assert_eq!(opened.live_count(key).await, 1);
}

pub(super) async fn a_first_absence_in_the_future_counts_from_now_on(place: Place) {
    let mut opened = place.open().await;
    let key = opened.register("conv_1").await;
    opened
        .write(vec![page(key, 10, vec![message("m", 1, "[1]")])])
        .await;
    opened.write(vec![absence(key, FUTURE, &["m"])]).await;
    opened.write(vec![absence(key, 30, &["m"])]).await;
    let since = "select count(*) from messages m join absences a on a.message_key = m.key
                 where m.missing_since = a.sent_at and m.missing_run = a.run_id and a.strike = 1
                   and m.missing_run = ";
    let first = opened.run;
    assert_eq!(place.number(&format!("{since}{}", first.0)).await, 1);
    next_run(&mut opened).await;
    opened.write(vec![absence(key, 30, &["m"])]).await;
    assert_eq!(place.number(&format!("{since}{}", opened.run.0)).await, 1);
    let missing = opened.store.read_missing(key).await.unwrap();
    assert_eq!(
        (missing[0].missing_since, missing[0].confirmed),
        (time(30), false)
    );
    assert_eq!(opened.live_count(key).await, 0);
}

/// λ is 600 here.
fn after(page: PageWrite, run: RunId) -> PageWrite {
    let until = time(page.observed_at.as_millis() - 600);
    PageWrite {
        apart: Some(Apart { until, run }),
        ..page
    }
}

pub(super) async fn an_older_state_counts_again_when_two_runs_have_seen_it_the_lag_apart(
    place: Place,
) {
    let mut opened = place.open().await;
    let key = opened.register("conv_1").await;
    opened
        .write(vec![page(key, 10, vec![updated("[1]", 100)])])
        .await;
    opened
        .write(vec![page(key, 20, vec![updated("[2]", 200)])])
        .await;
    let older = |at, run| after(page(key, at, vec![updated("[1]", 100)]), run);
    let first = opened.run;

    next_run(&mut opened).await;
    let second = opened.run;
    opened.write(vec![older(1_000, first)]).await;
    // The same run again, the next one too early by the pages' times or by this machine's clock.
    opened.write(vec![older(1_700, first)]).await;
    next_run(&mut opened).await;
    opened.write(vec![older(1_599, second)]).await;
    opened.write(vec![older(1_700, first)]).await;
    let unconfirmed = opened
        .write(vec![page(key, 1_700, vec![updated("[1]", 100)])])
        .await;
    assert_eq!((unconfirmed.messages.unchanged, unconfirmed.rows), (1, 0));
    assert_eq!(texts(&place).await, ["[2]"]);

    let done = opened.write(vec![older(1_600, second)]).await;
    assert_eq!(done.messages.changed, 1);
    assert_eq!(texts(&place).await, ["[1]"]);
    let restored = format!("3 restored {} [1]", opened.run.0);
    assert_eq!(
        versions(&place).await,
        ["1 created 1 [1]", "2 edited 1 [2]", restored.as_str()]
    );
    let again = opened.write(vec![older(1_800, second)]).await;
    assert_eq!((again.messages.unchanged, again.rows), (1, 0));
    // A newer one counts at once, as ever.
    opened
        .write(vec![page(key, 1_900, vec![updated("[2]", 200)])])
        .await;
    assert_eq!(texts(&place).await, ["[2]"]);
}

pub(super) async fn a_replica_that_lags_makes_no_older_state_count(place: Place) {
    let mut opened = place.open().await;
    let key = opened.register("conv_1").await;
    opened
        .write(vec![page(key, 10, vec![updated("[1]", 100)])])
        .await;
    opened
        .write(vec![page(key, 20, vec![updated("[2]", 200)])])
        .await;
    // By turns, always λ and more apart: the newer one was seen in between.
    for (turn, at) in (1..9).zip((1_000..).step_by(1_000)) {
        let before = opened.run;
        next_run(&mut opened).await;
        let state = if turn % 2 == 0 {
            updated("[2]", 200)
        } else {
            updated("[1]", 100)
        };
        opened
            .write(vec![after(page(key, at, vec![state]), before)])
            .await;
        assert_eq!(texts(&place).await, ["[2]"], "turn {turn}");
    }
    assert_eq!(
        place.number("select count(*) from message_versions").await,
        2
    );
    let waiting = "select count(*) from messages where older_since is not null";
    assert_eq!(place.number(waiting).await, 0);
}
