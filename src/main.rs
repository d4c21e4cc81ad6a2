//! Parse the arguments, start the logger, call the command: all of it in `vestibule::cli`.

use std::process::ExitCode;

use clap::Parser as _;
use vestibule::cli::{self, Cli};
use vestibule::config::Environment;

fn main() -> ExitCode {
    cli::run(Cli::parse(), &Environment::of_this_process())
}
