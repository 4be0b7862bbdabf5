//! `homing push`: one notification or broadcast straight to an APNs endpoint, Apple's or Homing's. What is sent stands in
//! `notification`, where and as whom in `destination`, what is said of the answer in `report`.

pub(super) mod destination;
mod notification;
pub(super) mod report;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use homing_apns::Reason;
use homing_apns_client::{
    Broadcast, ChannelOrder, Client, ClientConfig, Credential, Request, Response, SendError,
};

use crate::words;
use destination::{Destination, DestinationArgs};
use notification::{Notification, NotificationArgs, To};

/// Sends one notification and tells what the push service answered.
///
/// To Apple by default, in the development environment; to a running Homing with `--data-dir` or `--endpoints`, where
/// the demo app's key, topic and device token are the defaults; or to any host with `--host`. With `--channel` it goes to
/// all devices that have subscribed to a broadcast channel.
#[derive(Debug, clap::Args)]
pub(crate) struct PushArgs {
    /// Seconds to wait for the answer
    #[arg(long, value_name = "SECONDS", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=600))]
    deadline: u64,
    /// Print the outcome as one line of JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    destination: Box<DestinationArgs>,
    #[command(flatten)]
    notification: Box<NotificationArgs>,
}

pub(crate) fn run(args: PushArgs) -> anyhow::Result<ExitCode> {
    let destination = args.destination.resolve()?;
    let notification = args.notification.resolve(&destination)?;
    for line in &notification.remarks {
        words::say(line);
    }
    let outcome = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("can't start sending")?
        .block_on(send(&destination, notification, Duration::from_secs(args.deadline)))?;
    let lines = if args.json { vec![report::json(&outcome).to_string()] } else { report::lines(&outcome) };
    for line in lines {
        words::say_data(line);
    }
    match outcome {
        Ok(response) => {
            words::say(report::accepted(&response, &destination));
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            words::say(report::not_accepted(&error));
            Ok(ExitCode::FAILURE)
        }
    }
}

/// The same for a script: the outcome as JSON, and what to say if it wasn't accepted.
pub(crate) fn send_one(args: PushArgs) -> anyhow::Result<(serde_json::Value, Option<String>)> {
    let destination = args.destination.resolve()?;
    let notification = args.notification.resolve(&destination)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let sending = send(&destination, notification, Duration::from_secs(args.deadline));
    let outcome = runtime.context("can't start sending")?.block_on(sending)?;
    let json = report::json(&outcome);
    Ok((json, outcome.err().map(|error| report::not_accepted(&error).to_string())))
}

/// Sends, and once more on a new connection if only our provider token was too old: then the clocks differ, and the
/// second token is dated to the second.
async fn send(
    destination: &Destination,
    notification: Notification,
    deadline: Duration,
) -> anyhow::Result<Result<Response, SendError>> {
    let mut config = ClientConfig::new(&destination.host, destination.port, destination.credential.clone());
    config.roots = destination.roots.clone();
    config.request_deadline = deadline;
    let outcome = exchange(config.clone(), &notification).await?;
    let expired = |error: &SendError| error.reason() == Some(&Reason::ExpiredProviderToken);
    if matches!(config.credential, Credential::Key(_)) && outcome.as_ref().is_err_and(expired) {
        words::say("the push service finds the provider token too old: trying once more with a new one");
        return exchange(config, &notification).await;
    }
    Ok(outcome)
}

async fn exchange(
    config: ClientConfig,
    notification: &Notification,
) -> anyhow::Result<Result<Response, SendError>> {
    let client = Client::connect(config).await.map_err(|error| {
        let hint =
            if error.is_untrusted() { "\nhint: with --ca FILE its root certificate is trusted" } else { "" };
        anyhow::anyhow!("the notification was not sent: {error}{hint}")
    })?;
    let outcome = hand_over(&client, notification).await;
    client.close().await;
    Ok(outcome)
}

async fn hand_over(client: &Client, notification: &Notification) -> Result<Response, SendError> {
    let Notification { to, options, payload, .. } = notification;
    let payload = payload.clone().into();
    match to {
        To::Device(token) => client.send(Request { token: *token, options: options.clone(), payload }).await,
        To::Channel { bundle_id, channel } => {
            let (priority, expiration) = (options.priority, options.expiration);
            let broadcast = Broadcast { channel: channel.clone(), priority, expiration, payload };
            let order = ChannelOrder::Broadcast(broadcast);
            let answer = client.channels(bundle_id, &order, options.apns_id).await?;
            let (apns_id, apns_unique_id) = (answer.request_id, answer.apns_unique_id);
            Ok(Response { status: answer.status, apns_id, apns_unique_id })
        }
    }
}

#[cfg(test)]
mod tests;
