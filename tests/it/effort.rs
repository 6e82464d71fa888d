//! Test support: how often a test does what it does. A push has the counts that stand in the
//! tests; `scripts/soak` raises them.

/// The count that a variable asks for, such as `CONVAULT_TEST_KILLS`, or the one for a push.
pub(crate) fn count(variable: &str, at_each_push: usize) -> usize {
    read(variable).unwrap_or(at_each_push)
}

/// The seed that `CONVAULT_TEST_SEED` asks for, or the one of each push.
pub(crate) fn seed(at_each_push: u64) -> u64 {
    read("CONVAULT_TEST_SEED").unwrap_or(at_each_push)
}

fn read<T: std::str::FromStr>(variable: &str) -> Option<T> {
    #[expect(
        clippy::disallowed_methods,
        reason = "tests are told how much to do; config reads what the program is told"
    )]
    let asked = std::env::var(variable).ok()?;
    let number = asked.parse();
    Some(number.unwrap_or_else(|_| panic!("{variable}={asked} is not a number")))
}
