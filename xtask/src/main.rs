//! What the project runs on itself: `cargo xtask test | tools | tidy | reference | bench | tck`.
//!
//! Everything here calls ordinary programs (cargo, npm, pip, apt-get) and says which; none of it is part of the
//! program, and none of it is needed to build the program.

mod apt;
mod bench;
mod postgres;
mod reference;
mod run;
mod tck;
mod test;
mod tidy;
mod tools;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "What the project runs on itself.")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Install what the tests need, run every check and every test; stop at the first failure.
    Test(test::Options),
    /// Install what the tests need into .tools, or see that it is there.
    Tools,
    /// Look for files and functions that are too long, dependencies in the wrong direction, unwanted licences.
    Tidy,
    /// Write docs/reference anew from the code.
    Reference(reference::Options),
    /// Measure the build that is shipped beside nginx; the table goes to standard output, the figures to target/bench.json.
    Bench(bench::Options),
    /// Run the test kits of A2A at an agent and at Doorward in front of it; they are no part of the repository.
    Tck(tck::Options),
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().task {
        Task::Test(options) => test::run(&options),
        Task::Tools => tools::install(),
        Task::Tidy => tidy::run(),
        Task::Reference(options) => reference::run(&options),
        Task::Bench(options) => bench::run(&options),
        Task::Tck(options) => tck::run(&options),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
