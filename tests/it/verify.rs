//! `convault verify` as a process: a sound archive has no finding whatever has happened to it, and
//! each thing that is damaged is found, named and nothing else is.

mod damage;
mod offline;
mod place;

crate::program::claims_on_both_engines! {
    an_archive_has_no_finding_after_anything_that_a_run_does
    each_damage_is_found_and_nothing_else
    chosen_conversations_alone_are_checked
    a_run_beside_it_and_the_archive_are_left_alone
}

use crate::program::Engine;

async fn an_archive_has_no_finding_after_anything_that_a_run_does(engine: Engine) {
    offline::an_archive_has_no_finding_after_anything_that_a_run_does(engine).await;
}

async fn each_damage_is_found_and_nothing_else(engine: Engine) {
    damage::each_damage_is_found_and_nothing_else(engine).await;
}

async fn chosen_conversations_alone_are_checked(engine: Engine) {
    offline::chosen_conversations_alone_are_checked(engine).await;
}

async fn a_run_beside_it_and_the_archive_are_left_alone(engine: Engine) {
    offline::a_run_beside_it_and_the_archive_are_left_alone(engine).await;
}
