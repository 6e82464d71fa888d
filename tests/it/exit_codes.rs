//! Every exit code of product.md but 7, seen from the real program on both engines; each run's
//! report says the same code and its counts add up (`Stage::report`).

mod archive;
mod away;
mod committed;
mod gateway;
#[cfg(unix)]
mod named;
mod stopped;

use convault::simulator::Answer;

use crate::program::{Engine, Stage, claims_on_both_engines, small};

claims_on_both_engines! {
    a_complete_run_is_code_0_and_so_is_one_that_finds_nothing_new
    a_report_that_cannot_be_written_is_code_1_and_the_archive_is_whole
    a_report_that_cannot_be_written_beside_an_incomplete_run_is_code_1
    a_gone_conversation_is_code_3_until_it_is_waived_and_a_new_surprise_is_3_again
    bad_lines_and_an_empty_list_are_code_2_with_a_report
}

async fn a_complete_run_is_code_0_and_so_is_one_that_finds_nothing_new(engine: Engine) {
    let stage = Stage::new(engine, small(5, 45)).await;
    let (ended, report) = stage.sync(&["--page-size", "20"]).await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(ended.stdout, "", "standard output carries data only");
    assert_eq!(report["outcome"], "complete");
    assert_eq!(report["conversations"]["complete"], 5);
    assert_eq!(report["messages"]["new"], 5 * 45);
    assert_eq!(
        report["requests"]["total"],
        stage.simulator.stats().requests
    );
    assert_eq!(stage.last_outcome().await, "complete");
    stage.assert_whole().await;

    let before = stage.simulator.stats().requests;
    let (ended, report) = stage.sync(&["--page-size", "20"]).await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(report["messages"]["new"], 0);
    assert_eq!(report["messages"]["changed"], 0);
    assert_eq!(stage.simulator.stats().requests - before, 5, "one each");
    // Without a list: everything that the archive knows.
    let (ended, report) = stage
        .checked(&mut stage.command(&["sync", "--report", "report.json"]))
        .await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(report["conversations"]["listed"], 5);
    stage.assert_whole().await;
}

async fn a_report_that_cannot_be_written_is_code_1_and_the_archive_is_whole(engine: Engine) {
    let stage = Stage::new(engine, small(2, 30)).await;
    let ids = stage.simulator.conversation_ids();
    let ended = stage
        .run(&["sync", &ids[0], &ids[1], "--report", "missing/report.json"])
        .await;
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    assert!(
        ended.stderr.contains("missing/report.json"),
        "{}",
        ended.stderr
    );
    stage.assert_whole().await;
    assert_eq!(stage.last_outcome().await, "complete");
}

async fn a_report_that_cannot_be_written_beside_an_incomplete_run_is_code_1(engine: Engine) {
    let stage = Stage::new(engine, small(1, 3)).await;
    let id = stage.simulator.conversation_ids().remove(0);
    let ended = stage
        .run(&["sync", &id, "conv_gone", "--report", "missing/report.json"])
        .await;
    assert_eq!(ended.code, 1, "1 is graver than 3: {}", ended.stderr);
    assert_eq!(stage.last_outcome().await, "incomplete");
}

async fn a_gone_conversation_is_code_3_until_it_is_waived_and_a_new_surprise_is_3_again(
    engine: Engine,
) {
    let stage = Stage::new(engine, small(6, 25)).await;
    let ids = stage.simulator.conversation_ids();
    let (gone, forbidden, failed) = (&ids[1], &ids[3], &ids[4]);
    stage.simulator.set_answer(gone, Some(Answer::NotFound));
    let (ended, report) = stage.sync(&[]).await;
    assert_eq!(ended.code, 3, "{}", ended.stderr);
    assert_eq!(report["outcome"], "incomplete");
    assert_eq!(report["conversations"]["gone"], 1);
    assert_eq!(report["conversations"]["complete"], 5);
    assert_eq!(report["failures"][0]["conversation_id"], gone.as_str());
    assert_eq!(report["failures"][0]["class"], "gone");
    assert!(ended.stderr.contains(gone.as_str()), "{}", ended.stderr);

    let (ended, _) = stage.sync(&[]).await;
    assert_eq!(ended.code, 3, "nobody has waived it: {}", ended.stderr);
    let waived = stage
        .run(&["failures", "waive", gone, "--reason", "moved"])
        .await;
    assert_eq!(waived.code, 0, "{}", waived.stderr);
    let (ended, report) = stage.sync(&[]).await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(report["conversations"]["waived"], 1);
    assert_eq!(report["failures"], serde_json::json!([]));

    stage
        .simulator
        .set_answer(forbidden, Some(Answer::Forbidden));
    stage.simulator.set_answer(failed, Some(Answer::BadRequest));
    let (ended, report) = stage.sync(&[]).await;
    assert_eq!(
        ended.code, 3,
        "an old story hides no new one: {}",
        ended.stderr
    );
    let counts = &report["conversations"];
    assert_eq!(
        (&counts["forbidden"], &counts["failed"]),
        (&1.into(), &1.into())
    );
    assert_eq!((&counts["waived"], &counts["gone"]), (&1.into(), &0.into()));

    // Back again: the waiver is of the past, and nothing is left to complain of.
    for id in [gone, forbidden, failed] {
        stage.simulator.set_answer(id, None);
    }
    let (ended, _) = stage.sync(&[]).await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    stage.assert_whole().await;
    stage.simulator.set_answer(gone, Some(Answer::NotFound));
    let (ended, _) = stage.sync(&[]).await;
    assert_eq!(
        ended.code, 3,
        "the waiver was for another time: {}",
        ended.stderr
    );
}

async fn bad_lines_and_an_empty_list_are_code_2_with_a_report(engine: Engine) {
    let stage = Stage::new(engine, small(1, 3)).await;
    let lists = [
        ("conv_1\nconv 2\nhttps://x.example/?a=b\n", "2 bad lines"),
        ("# nothing\n\n", "--allow-empty"),
    ];
    for (list, said) in lists {
        std::fs::write(stage.path("list.txt"), list).unwrap();
        let arguments = ["sync", "--ids-from", "list.txt", "--report", "report.json"];
        let (ended, report) = stage.checked(&mut stage.command(&arguments)).await;
        assert_eq!(ended.code, 2, "{}", ended.stderr);
        assert!(ended.stderr.contains(said), "{}", ended.stderr);
        assert_eq!(report["outcome"], "configuration");
        assert_eq!(report["conversations"]["listed"], 0);
    }
    assert_eq!(stage.simulator.stats().requests, 0);
    let ended = stage.run(&["sync", "--page-size", "0"]).await;
    assert_eq!(ended.code, 2, "{}", ended.stderr);
}
