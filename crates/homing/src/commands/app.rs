//! `homing app`: the developer centre of a running Homing. This file says which words there are; what each asks of the push
//! service's admin API is `asks`, how answers read to people `text`, where private keys are written `files`.

mod asks;
mod files;
mod text;

use std::path::PathBuf;
use std::process::ExitCode;

use homing_gateway::centre::CertificateKind;
use homing_trace::{Environment, UnixMillis};

use crate::endpoints::FindGlobally;

pub(super) use files::write_new;

#[derive(Debug, clap::Args)]
pub(crate) struct AppArgs {
    #[command(subcommand)]
    command: Command,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
    #[command(flatten)]
    find: FindGlobally,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Make an app with all its topics
    Create {
        /// Its bundle ID, such as com.example.news
        bundle_id: String,
        #[command(flatten)]
        team: Team,
        /// Let it have broadcast channels
        #[arg(long)]
        broadcast: bool,
    },
    /// Let an app have broadcast channels, or no more, which deletes all it has
    Broadcast {
        bundle_id: String,
        #[arg(value_parser = ["on", "off"])]
        to: String,
    },
    /// List the apps
    List,
    /// Show an app's topics, and the keys and certificates that may send to it
    Show { bundle_id: String },
    /// Remove an app: its certificates are revoked, its device tokens end
    Remove { bundle_id: String },
    /// Teams, which own apps and keys
    #[command(subcommand)]
    Team(TeamCommand),
    /// Provider keys (.p8), for token-based connections
    #[command(subcommand)]
    Key(KeyCommand),
    /// Provider certificates (.p12 and .pem), for certificate-based connections
    #[command(subcommand)]
    Certificate(CertificateCommand),
    /// Enrolment keys, which let devices in
    #[command(subcommand)]
    EnrolmentKey(EnrolmentKeyCommand),
}

/// Which team.
#[derive(Debug, clap::Args)]
struct Team {
    /// The team's ID; not needed if there is only one
    #[arg(long = "team", value_name = "TEAM_ID")]
    id: Option<String>,
}

#[derive(Debug, clap::Subcommand)]
enum TeamCommand {
    /// Make a team
    Create {
        /// Its name
        name: String,
        /// Ten capital letters or digits [default: chosen]
        #[arg(long, value_name = "TEAM_ID")]
        id: Option<String>,
    },
    /// List the teams
    List,
}

#[derive(Debug, clap::Subcommand)]
enum KeyCommand {
    /// Make a key and write its .p8 file, or register one by its public half
    Create(NewKey),
    /// List the keys
    List,
    /// Revoke a key: its connections are closed, and nothing it signed is taken any more
    Revoke { key_id: String },
}

#[derive(Debug, clap::Args)]
struct NewKey {
    #[command(flatten)]
    team: Team,
    /// Ten capital letters or digits [default: chosen]
    #[arg(long, value_name = "KEY_ID")]
    key_id: Option<String>,
    /// Serve this environment alone [default: both, as keys used to]
    #[arg(long, value_name = "ENVIRONMENT")]
    environment: Option<Environment>,
    /// Serve this app alone; may be repeated [default: all apps of the team]
    #[arg(long = "app", value_name = "BUNDLE_ID", requires = "environment")]
    apps: Vec<String>,
    /// The key for the same apps that it takes turns with on one connection
    #[arg(long, value_name = "KEY_ID", requires = "apps")]
    related_to: Option<String>,
    /// Register a key that exists, such as Apple's: what `openssl pkey -in AuthKey_….p8 -pubout` prints
    #[arg(long, value_name = "FILE", requires = "key_id", conflicts_with = "out")]
    public_key: Option<PathBuf>,
    /// Where to write the private key [default: AuthKey_<KEY_ID>.p8 in this folder]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Debug, clap::Subcommand)]
enum CertificateCommand {
    /// Issue a certificate and write its .p12 and .pem files
    Create(NewCertificate),
    /// List the certificates
    List,
    /// Revoke a certificate: its connections are closed, and it opens nothing any more
    Revoke { certificate_id: String },
}

#[derive(clap::Args)]
struct NewCertificate {
    /// The app's bundle ID
    bundle_id: String,
    /// development, production, universal or voip
    #[arg(long, value_name = "KIND", value_parser = kind)]
    kind: CertificateKind,
    /// The end of its validity, such as 2030-01-01T00:00:00Z, before 2100; a past time makes an expired one [default: in
    /// 397 days]
    #[arg(long, value_name = "TIME")]
    expires: Option<UnixMillis>,
    /// Password of the .p12 [default: $HOMING_P12_PASSWORD, or chosen and printed]
    #[arg(long)]
    password: Option<String>,
    /// Where to write: FILE.pem and FILE.p12 [default: <BUNDLE_ID>-<KIND>-<ID> in this folder]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl std::fmt::Debug for NewCertificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewCertificate")
            .field("bundle_id", &self.bundle_id)
            .field("kind", &self.kind)
            .field("expires", &self.expires)
            .field("out", &self.out)
            .finish_non_exhaustive()
    }
}

#[derive(Debug, clap::Subcommand)]
enum EnrolmentKeyCommand {
    /// Make an enrolment key and print it
    Create {
        #[command(flatten)]
        team: Team,
        /// An app whose topics its devices may register for; may be repeated
        #[arg(long = "app", value_name = "BUNDLE_ID", required = true)]
        apps: Vec<String>,
        /// For this environment alone [default: both]
        #[arg(long, value_name = "ENVIRONMENT")]
        environment: Option<Environment>,
        /// Devices it may admit at a time
        #[arg(long, value_name = "N", default_value_t = 100)]
        quota: u32,
        /// From then on it admits nobody, such as 2030-01-01T00:00:00Z [default: never]
        #[arg(long, value_name = "TIME")]
        expires: Option<UnixMillis>,
    },
    /// List the enrolment keys
    List,
    /// Revoke an enrolment key: it admits nobody any more; devices that are enrolled stay
    Revoke { id: u32 },
}

fn kind(text: &str) -> Result<CertificateKind, String> {
    let found = CertificateKind::ALL.into_iter().find(|kind| kind.as_str() == text);
    found.ok_or_else(|| "write development, production, universal or voip".to_owned())
}

pub(crate) fn run(args: AppArgs) -> anyhow::Result<ExitCode> {
    let centre = asks::Centre::find(&args.find.into(), args.json)?;
    match args.command {
        Command::Create { bundle_id, team, broadcast } => centre.create_app(&bundle_id, &team, broadcast)?,
        Command::Broadcast { bundle_id, to } => centre.set_broadcast(&bundle_id, to == "on")?,
        Command::List => centre.list("/v1/apps", "apps", text::app)?,
        Command::Show { bundle_id } => centre.show_app(&bundle_id)?,
        Command::Remove { bundle_id } => centre.remove("/v1/apps", &bundle_id, "removed")?,
        Command::Team(TeamCommand::Create { name, id }) => centre.create_team(&name, id)?,
        Command::Team(TeamCommand::List) => centre.list("/v1/teams", "teams", text::team)?,
        Command::Key(KeyCommand::Create(wish)) => centre.create_key(&wish)?,
        Command::Key(KeyCommand::List) => centre.list("/v1/keys", "keys", text::key)?,
        Command::Key(KeyCommand::Revoke { key_id }) => centre.remove("/v1/keys", &key_id, "revoked")?,
        Command::Certificate(CertificateCommand::Create(wish)) => centre.create_certificate(&wish)?,
        Command::Certificate(CertificateCommand::List) => {
            centre.list("/v1/certificates", "certificates", text::certificate)?;
        }
        Command::Certificate(CertificateCommand::Revoke { certificate_id }) => {
            centre.remove("/v1/certificates", &certificate_id, "revoked")?;
        }
        Command::EnrolmentKey(EnrolmentKeyCommand::Create { team, apps, environment, quota, expires }) => {
            let allows = asks::Enrolment { apps, environment, quota, expires };
            centre.create_enrolment_key(&team, &allows)?;
        }
        Command::EnrolmentKey(EnrolmentKeyCommand::List) => {
            centre.list("/v1/enrolment-keys", "enrolment_keys", text::enrolment_key)?;
        }
        Command::EnrolmentKey(EnrolmentKeyCommand::Revoke { id }) => {
            centre.remove("/v1/enrolment-keys", &id.to_string(), "revoked")?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
