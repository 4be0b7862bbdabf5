//! `homing completions`: the script that teaches a shell our words.

use std::process::ExitCode;

use clap::CommandFactory as _;

#[derive(Debug, clap::Args)]
pub(crate) struct CompletionsArgs {
    /// The shell to write for
    shell: clap_complete::Shell,
}

pub(crate) fn run(args: &CompletionsArgs) -> ExitCode {
    clap_complete::generate(args.shell, &mut crate::cli::Cli::command(), "homing", &mut std::io::stdout());
    ExitCode::SUCCESS
}
