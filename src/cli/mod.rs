//! The command line: one file a command.
//!
//! Every command promises `--help`, plain text for people, `--json` where a script would read its
//! output, and four ways to end: 0 done, 1 failed, 2 wrongly called, 78 wrongly configured (`EX_CONFIG`
//! of sysexits).

pub mod audit;
mod banner;
pub mod configuration;
mod database;
mod demo;
pub mod doctor;
pub mod domain;
mod gateway;
pub mod healthcheck;
pub mod jobs;
pub mod keys;
pub mod logger;
pub mod mail;
pub mod migrate;
pub mod org;
mod reload;
pub mod serve;
mod sso;
mod stop;
mod table;
pub mod user;
pub mod webhook;

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::config::{self, Environment, Loaded, Mistakes, Setting, Settings, Sources};
use crate::mail::Unusable;

const WRONGLY_CALLED: u8 = 2;
const WRONGLY_CONFIGURED: u8 = 78;

/// What is missing on the command line, in a sentence.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Misuse(String);

const FILE_HELP: &str =
    "The configuration file [default: $VESTIBULE_CONFIG, ./vestibule.toml, /etc/vestibule/vestibule.toml]";

#[derive(Parser)]
#[command(name = "vestibule", version, about = "The one front door for all of your apps")]
#[command(long_about = "Vestibule signs people in, once, for all of your apps: an identity provider for browsers, \
    and a gate that nginx, Caddy, Traefik, HAProxy and Envoy ask before they let anyone through.")]
#[command(after_help = "Settings come from a file, from VESTIBULE__SECTION__KEY variables and from --set.\n\
    `vestibule config print` shows every key, its value and where it came from.\n\n\
    Exit codes: 0 done, 1 failed, 2 wrongly called, 78 wrongly configured.")]
pub struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

/// Flags that stand before or after the command's name.
#[derive(Args, Clone, Default)]
pub struct Common {
    #[arg(long, value_name = "FILE", help = FILE_HELP)]
    config: Option<PathBuf>,
    /// Set one key, over file and environment; may be repeated
    #[arg(long, value_name = "SECTION.KEY=VALUE")]
    set: Vec<Setting>,
}

#[derive(Subcommand)]
enum Command {
    /// Start the service
    Serve(serve::Arguments),
    /// Bring the database up to date
    Migrate(migrate::Arguments),
    /// Look after people's accounts
    #[command(subcommand)]
    User(user::Command),
    /// Hand what has happened to other programs
    #[command(subcommand)]
    Audit(audit::Command),
    /// Look after organizations
    #[command(subcommand)]
    Org(org::Command),
    /// Look after the domains of organizations
    #[command(subcommand)]
    Domain(domain::Command),
    /// Have organizations' people sign in by their identity providers
    #[command(subcommand)]
    Sso(sso::Command),
    /// Tell programs of others what happens, as it happens
    #[command(subcommand)]
    Webhook(webhook::Command),
    /// Try out mail, and look after letters that wait
    #[command(subcommand)]
    Mail(mail::Command),
    /// See what happens by itself, and have it done now
    #[command(subcommand)]
    Jobs(jobs::Command),
    /// Look after the keys that apps know us by
    #[command(subcommand)]
    Keys(keys::Command),
    /// Look after the rules of the gate
    #[command(subcommand)]
    Gateway(gateway::Command),
    /// Check or show the configuration, starting nothing
    #[command(subcommand)]
    Config(configuration::Command),
    /// Look at an installation from outside: what is wrong, and what to change
    Doctor(doctor::Arguments),
    /// Ask the running service whether it is ready
    Healthcheck(healthcheck::Arguments),
}

/// Runs the command to its end. Everything it needs of the process is in `environment`.
pub fn run(cli: Cli, environment: &Environment) -> ExitCode {
    let outer = cli.common;
    let read = |own: &Common| sources(outer.clone(), own.clone(), environment.clone());
    let begin = |own: &Common| start(&read(own));
    let result = match cli.command {
        Command::Serve(arguments) => {
            let sources = read(&arguments.common);
            load(&sources).and_then(|loaded| serve::run(sources, loaded, arguments.demo))
        }
        Command::Migrate(arguments) => {
            begin(&arguments.common).and_then(|settings| migrate::run(&arguments, &settings))
        }
        Command::User(command) => begin(command.common()).and_then(|settings| user::run(&command, &settings)),
        Command::Audit(command) => begin(command.common()).and_then(|settings| audit::run(&command, &settings)),
        Command::Org(command) => begin(command.common()).and_then(|settings| org::run(&command, &settings)),
        Command::Domain(command) => begin(command.common()).and_then(|settings| domain::run(&command, &settings)),
        Command::Sso(command) => begin(command.common()).and_then(|settings| sso::run(&command, settings)),
        Command::Webhook(command) => begin(command.common()).and_then(|settings| webhook::run(&command, &settings)),
        Command::Mail(command) => begin(command.common()).and_then(|settings| mail::run(&command, &settings)),
        Command::Jobs(command) => begin(command.common()).and_then(|settings| jobs::run(&command, settings)),
        Command::Keys(command) => begin(command.common()).and_then(|settings| keys::run(&command, &settings)),
        Command::Gateway(command) => {
            let sources = read(command.common());
            start(&sources).and_then(|settings| gateway::run(&command, &settings, &sources))
        }
        Command::Config(command) => configuration::run(&command, &read(command.common())),
        Command::Doctor(arguments) => begin(&arguments.common).and_then(|settings| doctor::run(&arguments, settings)),
        Command::Healthcheck(arguments) => healthcheck::run(&arguments, &read(&arguments.common)),
    };
    let code = exit_code(result);
    log::logger().flush();
    code
}

/// What stands after the command's name wins over what stands before it.
fn sources(outer: Common, inner: Common, environment: Environment) -> Sources {
    let flags = [outer.set, inner.set].concat();
    Sources::new(inner.config.or(outer.config), environment, flags)
}

/// Loads the settings and starts the logger as they say; warnings are its first lines.
fn start(sources: &Sources) -> anyhow::Result<Settings> {
    load(sources).map(|loaded| loaded.settings)
}

fn load(sources: &Sources) -> anyhow::Result<Loaded> {
    let loaded = config::load(sources)?;
    logger::start(loaded.settings.log, rust_log(sources))?;
    for warning in &loaded.warnings {
        log::warn!("{warning}");
    }
    Ok(loaded)
}

/// Where set, it wins over the configured level.
fn rust_log(sources: &Sources) -> Option<&str> {
    sources.environment.get("RUST_LOG").and_then(|filter| filter.to_str()).filter(|filter| !filter.is_empty())
}

fn exit_code(result: anyhow::Result<()>) -> ExitCode {
    let Err(error) = result else { return ExitCode::SUCCESS };
    if error.is::<Mistakes>() {
        let _ = writeln!(io::stderr(), "{error}");
        return ExitCode::from(WRONGLY_CONFIGURED);
    }
    if log::log_enabled!(log::Level::Error) {
        log::error!("{error:#}");
    } else {
        let _ = writeln!(io::stderr(), "vestibule: {error:#}");
    }
    if error.is::<Misuse>() {
        return ExitCode::from(WRONGLY_CALLED);
    }
    if error.is::<Unusable>() {
        return ExitCode::from(WRONGLY_CONFIGURED);
    }
    ExitCode::FAILURE
}

/// Writes to standard output. A reader that went away (`| head`) has what it wanted.
fn say(text: &str) -> anyhow::Result<()> {
    match writeln!(io::stdout(), "{text}") {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn every_command_and_every_flag_explains_itself() {
        fn visit(command: &clap::Command) {
            assert!(command.get_about().is_some(), "{}", command.get_name());
            for argument in command.get_arguments().filter(|argument| !argument.is_hide_set()) {
                let is_built_in = ["help", "version"].contains(&argument.get_id().as_str());
                assert!(is_built_in || argument.get_help().is_some(), "{} {}", command.get_name(), argument.get_id());
            }
            command.get_subcommands().for_each(visit);
        }
        let command = Cli::command();
        command.clone().debug_assert();
        visit(&command);
    }

    #[test]
    fn flags_before_and_after_the_command_are_added_up() {
        let cli = Cli::parse_from(["vestibule", "--set", "a.b=1", "--config", "x", "serve", "--set", "c.d=2"]);
        let Command::Serve(arguments) = cli.command else { panic!() };
        let sources = sources(cli.common, arguments.common, Environment::default());
        let keys: Vec<&str> = sources.flags.iter().map(|flag| flag.key.as_str()).collect();
        assert_eq!(keys, ["a.b", "c.d"]);
        assert!(matches!(sources.file, config::ConfigFile::Named { by: "--config", .. }));
    }
}
