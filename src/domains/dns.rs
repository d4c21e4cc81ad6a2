//! Looking for the record that proves a domain.

use std::net::SocketAddr;
use std::time::Duration;

use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use hickory_resolver::lookup::Lookup;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{Name as DnsName, RData, RecordType};
use hickory_resolver::{Resolver, TokioResolver};

use super::Domain;

/// Below the domain, where nothing else has a record.
const LABEL: &str = "_vestibule";

const KEY: &str = "vestibule-domain=";

/// Of those there, so many are looked at.
const MOST_TOKENS: usize = 20;

/// For one attempt with one server, and for all of them together.
const PATIENCE: Duration = Duration::from_secs(2);
const WHOLE_PATIENCE: Duration = Duration::from_secs(5);

/// The record that proves a domain: to be set as it stands here.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Record {
    /// `_vestibule.example.com`
    pub name: String,
    /// Of type TXT.
    pub value: String,
}

impl Record {
    pub fn of(domain: &Domain) -> Self {
        Self { name: format!("{LABEL}.{}", domain.name), value: format!("{KEY}{}", domain.token) }
    }
}

/// What came of looking.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Seen {
    There,
    /// Those who answer for the domain say that there is none like it. The sentence says what is there instead.
    Missing(String),
    /// The same, and there is what others may be to prove it by: their tokens.
    Others(String, Vec<String>),
    /// Nobody answered, or nobody who knows. The sentence is for whoever asked.
    Unknown(String),
}

/// By `server`, or whom this machine asks. Takes a bounded time, and nothing it has seen before is believed again.
pub(super) async fn look_for(server: Option<SocketAddr>, record: &Record) -> Seen {
    let nobody = |_| Seen::Unknown("No DNS server answered in time.".to_owned());
    tokio::time::timeout(WHOLE_PATIENCE, look(server, record)).await.unwrap_or_else(nobody)
}

async fn look(server: Option<SocketAddr>, record: &Record) -> Seen {
    let looked = async {
        let mut name = DnsName::from_ascii(&record.name)?;
        // No other domain is tried behind it.
        name.set_fqdn(true);
        let found = resolver(server)?.lookup(name.clone(), RecordType::TXT).await?;
        Ok::<_, NetError>(texts(&found, &name))
    };
    match looked.await {
        Ok(texts) if texts.contains(&record.value) => Seen::There,
        Ok(texts) => {
            let tokens = texts.iter().filter_map(|text| text.strip_prefix(KEY)).map(str::to_owned);
            let tokens: Vec<String> = tokens.take(MOST_TOKENS).collect();
            if tokens.is_empty() {
                return Seen::Missing(none_at(record));
            }
            Seen::Others(format!("There is a record at {}, with another value.", record.name), tokens)
        }
        Err(error) => judge(&error, record),
    }
}

fn resolver(server: Option<SocketAddr>) -> Result<TokioResolver, NetError> {
    let mut builder = match server {
        Some(server) => {
            let ways = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut way| {
                way.port = server.port();
                way
            });
            let server = NameServerConfig::new(server.ip(), true, ways.into());
            Resolver::builder_with_config(
                ResolverConfig::from_name_servers(vec![server]),
                TokioRuntimeProvider::default(),
            )
        }
        None => Resolver::builder_tokio()?,
    };
    let options = builder.options_mut();
    options.timeout = PATIENCE;
    options.attempts = 2;
    options.cache_size = 0;
    builder.build()
}

/// Of this very name: what another name says, to which it leads, somebody else may have written.
fn texts(found: &Lookup, name: &DnsName) -> Vec<String> {
    let own = found.answers().iter().filter(|record| record.name == *name);
    own.filter_map(|record| match &record.data {
        // RFC 7208, section 3.3: its strings are one text.
        RData::TXT(text) => Some(String::from_utf8_lossy(&text.txt_data.concat()).trim().to_owned()),
        _ => None,
    })
    .collect()
}

/// That there is nothing is an answer; that it could not be found out is none.
fn judge(error: &NetError, record: &Record) -> Seen {
    match error {
        NetError::Dns(DnsError::NoRecordsFound(none))
            if matches!(none.response_code, ResponseCode::NXDomain | ResponseCode::NoError) =>
        {
            Seen::Missing(none_at(record))
        }
        NetError::Dns(DnsError::NoRecordsFound(none)) => refused(none.response_code),
        NetError::Dns(DnsError::ResponseCode(code)) => refused(*code),
        NetError::Timeout => Seen::Unknown("No DNS server answered in time.".to_owned()),
        error => {
            log::warn!("a record could not be looked up: {error}");
            Seen::Unknown("The DNS could not be asked just now.".to_owned())
        }
    }
}

fn refused(code: ResponseCode) -> Seen {
    Seen::Unknown(format!("The DNS server could not say: {code}."))
}

fn none_at(record: &Record) -> String {
    format!("There is no TXT record of ours at {}.", record.name)
}
