//! `homing channel`: an app's broadcast channels, kept by Apple's own protocol, so that the same words serve Apple and Homing.
//! Where and as whom is `push::destination`'s; broadcasting is `homing push --channel`.

use std::process::ExitCode;

use anyhow::Context as _;
use homing_apns::{ChannelId, Reason, StoragePolicy};
use homing_apns_client::{ChannelAnswer, ChannelOrder, Client, ClientConfig, SendError};
use serde_json::{Value, json};

use super::push::destination::{Destination, DestinationArgs};
use super::push::report;
use crate::words;

#[derive(Debug, clap::Args)]
pub(crate) struct ChannelArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Make a channel and print its ID
    Create {
        /// none, or most-recent: keep the last message for at most 8 hours for devices that come later
        #[arg(long, default_value = "none", value_parser = policy)]
        storage: StoragePolicy,
        #[command(flatten)]
        of: Box<Of>,
    },
    /// List the IDs of all channels
    List {
        #[command(flatten)]
        of: Box<Of>,
    },
    /// Show what a channel stores
    Show {
        /// As it was printed when the channel was made
        #[arg(value_parser = id)]
        channel: ChannelId,
        #[command(flatten)]
        of: Box<Of>,
    },
    /// Delete a channel; that can't be undone
    Delete {
        #[arg(value_parser = id)]
        channel: ChannelId,
        #[command(flatten)]
        of: Box<Of>,
    },
}

/// Whose channels, and where.
#[derive(Debug, clap::Args)]
struct Of {
    /// The app's bundle ID [default: the demo app's, or the certificate's]
    #[arg(long, value_name = "BUNDLE_ID")]
    app: Option<String>,
    /// Print the outcome as one line of JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    destination: DestinationArgs,
}

fn policy(text: &str) -> Result<StoragePolicy, &'static str> {
    match text {
        "none" => Ok(StoragePolicy::Nothing),
        "most-recent" => Ok(StoragePolicy::MostRecent),
        _ => Err("write none or most-recent"),
    }
}

fn id(text: &str) -> Result<ChannelId, &'static str> {
    text.parse().map_err(|reason: Reason| reason.advice())
}

pub(crate) fn run(args: ChannelArgs) -> anyhow::Result<ExitCode> {
    let (order, of) = match args.command {
        Command::Create { storage, of } => (ChannelOrder::Create(storage), of),
        Command::List { of } => (ChannelOrder::List, of),
        Command::Show { channel, of } => (ChannelOrder::Read(channel), of),
        Command::Delete { channel, of } => (ChannelOrder::Delete(channel), of),
    };
    let destination = of.destination.resolve_management()?;
    let app = of.app.or_else(|| destination.bundle_id.clone());
    let app = app.context("the app is missing\nhint: name its bundle ID with --app")?;
    let outcome = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("can't start asking")?
        .block_on(ask(&destination, &app, &order))?;
    match outcome {
        Ok(answer) => {
            tell(&answer, of.json)?;
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            words::say(report::not_accepted(&error));
            if of.json {
                words::say_data(report::json(&Err(error)));
            }
            Ok(ExitCode::FAILURE)
        }
    }
}

async fn ask(
    destination: &Destination,
    app: &str,
    order: &ChannelOrder,
) -> anyhow::Result<Result<ChannelAnswer, SendError>> {
    let mut config = ClientConfig::new(&destination.host, destination.port, destination.credential.clone());
    config.roots = destination.roots.clone();
    let client = Client::connect(config).await.map_err(|error| {
        let hint =
            if error.is_untrusted() { "\nhint: with --ca FILE its root certificate is trusted" } else { "" };
        anyhow::anyhow!("the push service was not asked: {error}{hint}")
    })?;
    let outcome = client.channels(app, order, None).await;
    client.close().await;
    Ok(outcome)
}

/// As JSON everything that was answered; else the IDs, or what is said of one.
fn tell(answer: &ChannelAnswer, as_json: bool) -> anyhow::Result<()> {
    let body: Value = match answer.body.as_slice() {
        [] => Value::Null,
        body => serde_json::from_slice(body).context("the answer's body is no JSON")?,
    };
    if as_json {
        let mut line = json!({"status": answer.status, "apns_request_id": answer.request_id});
        if let (Some(line), Some(channel)) = (line.as_object_mut(), &answer.channel) {
            line.insert("channel_id".to_owned(), channel.clone().into());
        }
        if let (Some(line), Value::Object(said)) = (line.as_object_mut(), body) {
            line.extend(said);
        }
        words::say_data(line);
        return Ok(());
    }
    if let Some(channel) = &answer.channel {
        words::say_data(channel);
    }
    for id in body["channels"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        words::say_data(id);
    }
    if let Some(policy) = body["message-storage-policy"].as_u64().and_then(StoragePolicy::from_number) {
        words::say_data(match policy {
            StoragePolicy::Nothing => "stores nothing",
            StoragePolicy::MostRecent => "stores the most recent message, for 8 hours at most",
        });
    }
    if answer.status == 204 {
        words::say("the channel is deleted.");
    }
    Ok(())
}
