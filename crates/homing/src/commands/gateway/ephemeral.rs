//! `homing gateway --ephemeral`: a push service for one run of a test suite. What is special about it: where it is, it says
//! on stdout; it lives in a directory that goes with it; and it ends with whoever started it.

use std::process::ExitCode;

use homing_clock::Clock;
use homing_trace::Environment;

use super::scratch::Scratch;
use crate::demo;
use crate::ports::loopback;
use crate::roles::process::runtime;
use crate::roles::{parent, push_service};
use crate::words;

/// Threads that serve connections: a test suite sends less than one could take.
const CORES: usize = 2;

pub(super) fn run() -> anyhow::Result<ExitCode> {
    let runtime = runtime()?;
    // Looked at before anything is made: a parent that ends meanwhile is noticed.
    let parent = parent::of_this_process();
    let scratch = Scratch::make()?;
    let ended = runtime.block_on(serve(&scratch, parent));
    drop(runtime);
    let removed = scratch.remove();
    ended.and(removed)?;
    Ok(ExitCode::SUCCESS)
}

async fn serve(scratch: &Scratch, parent: parent::Parent) -> anyhow::Result<()> {
    let stop = parent.ends_or_says_stop()?;
    let dir = scratch.dir();
    let of_each = || Environment::ALL.into_iter().map(|environment| (environment, loopback(0))).collect();
    let listen = push_service::Listen {
        apns: of_each(),
        legacy: of_each(),
        feedback: of_each(),
        device_link: loopback(0),
        admin: loopback(0),
        strict_legacy: false,
        rules: homing_gateway::ProviderRules::default(),
        for_testers: true,
    };
    let gateway = push_service::start(dir, Clock::default(), listen, Some(CORES)).await?;
    let told = async {
        let mut credentials = demo::ensure(dir, &gateway).await?;
        let demo = &mut credentials.demo;
        for (environment, of_environment) in &mut demo.environments {
            of_environment.device_token = gateway.deviceless_token(&demo.bundle_id, *environment).await?;
        }
        let endpoints = push_service::endpoints_of(dir, &gateway, Some(&credentials))?;
        words::say_data(serde_json::to_string(&endpoints)?);
        anyhow::Ok(())
    };
    let told = told.await;
    if told.is_ok() {
        let why = stop.await;
        tracing::info!("the push service ends: {why}");
    }
    gateway.shutdown().await;
    told
}
