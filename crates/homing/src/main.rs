//! The binary: reads the command line and hands over to the command. Every decision is made elsewhere.

mod cli;
mod commands;
mod data_dir;
mod demo;
mod endpoints;
mod local_api;
mod ports;
mod roles;
mod words;

use std::process::ExitCode;

use clap::Parser as _;

/// A notification is a handful of small allocations that another thread frees; this one is made for that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    words::log_to_stderr();
    match cli.run() {
        Ok(code) => code,
        Err(error) => {
            words::say_error(&error);
            ExitCode::FAILURE
        }
    }
}
