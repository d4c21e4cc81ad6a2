use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context as _, anyhow};
use clap::Args;

use crate::sso::connections::Wish;
use crate::sso::connections::wish::AttributeNames;

/// What a connection is to be.
#[derive(Args)]
pub struct Wanted {
    /// What people call it, as on the button that leads there
    #[arg(long)]
    name: Option<String>,
    /// The provider's metadata: a file, or a URL that is fetched again and again
    #[arg(long, value_name = "FILE|URL")]
    metadata: Option<String>,
    /// By hand: what the provider calls itself
    #[arg(long, value_name = "ID")]
    entity_id: Option<String>,
    /// By hand: where it takes requests to sign in
    #[arg(long, value_name = "URL")]
    sso_url: Option<String>,
    /// By hand: how it takes them, redirect or post
    #[arg(long, value_name = "BINDING")]
    sso_binding: Option<String>,
    /// By hand: where it takes requests to sign out; "" for nowhere
    #[arg(long, value_name = "URL")]
    slo_url: Option<String>,
    /// By hand: how it takes them, redirect or post
    #[arg(long, value_name = "BINDING")]
    slo_binding: Option<String>,
    /// By hand: a file with a certificate that it signs with; may be repeated, and replaces all there were
    #[arg(long, value_name = "FILE")]
    certificate: Vec<String>,
    /// A domain of its people, proved by your word; may be repeated, and replaces all there were
    #[arg(long, value_name = "DOMAIN")]
    pub(super) domain: Vec<String>,
    /// The attribute with the address; "" for the usual ones
    #[arg(long, value_name = "NAME")]
    email_attribute: Option<String>,
    /// The attribute with the name; "" for the usual ones
    #[arg(long, value_name = "NAME")]
    name_attribute: Option<String>,
    /// The attribute with the groups; "" for the usual ones
    #[arg(long, value_name = "NAME")]
    groups_attribute: Option<String>,
    /// What a group of the provider's means, as in Engineering=member; may be repeated, and replaces all there were
    #[arg(long, value_name = "GROUP=ROLE", value_parser = pair)]
    group_role: Vec<(String, String)>,
    /// Into which group of the organization a group of the provider's leads; may be repeated, and replaces all there were
    #[arg(long, value_name = "GROUP=OURS", value_parser = pair)]
    group_group: Vec<(String, String)>,
    /// For those without a mapped group: owner, admin, member, or none to let them not in
    #[arg(long, value_name = "ROLE")]
    default_role: Option<String>,
    /// Whether requests are signed
    #[arg(long, value_name = "true|false")]
    sign_requests: Option<bool>,
    /// Whether the provider may begin
    #[arg(long, value_name = "true|false")]
    allow_idp_initiated: Option<bool>,
    /// Whether it is the only way in for its people, from now on
    #[arg(long, value_name = "true|false")]
    enforced: Option<bool>,
    /// The same from a day on, as in 2027-03-01
    #[arg(long, value_name = "DAY")]
    enforced_from: Option<String>,
    /// An owner who may sign in without it, by address; may be repeated, and replaces all there were
    #[arg(long, value_name = "ADDRESS")]
    break_glass: Vec<String>,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (group, other) = text.rsplit_once('=').ok_or("there is no = in it")?;
    Ok((group.to_owned(), other.to_owned()))
}

impl Wanted {
    /// With the files that are named in it.
    pub(super) fn read(&self) -> anyhow::Result<Wish> {
        let (metadata_xml, metadata_url) = match &self.metadata {
            Some(url) if url.starts_with("https://") || url.starts_with("http://") => (None, Some(url.clone())),
            Some(file) => (Some(read_file(file)?), None),
            None => (None, None),
        };
        let certificates = self.certificate.iter().map(|file| read_file(file)).collect::<anyhow::Result<Vec<_>>>()?;
        let mut group_groups: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (theirs, ours) in &self.group_group {
            group_groups.entry(theirs.clone()).or_default().push(ours.clone());
        }
        Ok(Wish {
            name: self.name.clone(),
            domains: given(&self.domain),
            metadata_xml,
            metadata_url,
            idp_entity_id: self.entity_id.clone(),
            sso_url: self.sso_url.clone(),
            sso_binding: self.sso_binding.clone(),
            slo_url: self.slo_url.clone(),
            slo_binding: self.slo_binding.clone(),
            certificates: given(&certificates),
            attributes: AttributeNames {
                email: self.email_attribute.clone().map(Some),
                name: self.name_attribute.clone().map(Some),
                groups: self.groups_attribute.clone().map(Some),
            },
            group_roles: given(&self.group_role).map(|all| all.into_iter().collect()),
            group_groups: (!group_groups.is_empty()).then_some(group_groups),
            default_role: self.default_role.clone().map(|role| Some(role).filter(|role| role != "none")),
            sign_requests: self.sign_requests,
            allow_idp_initiated: self.allow_idp_initiated,
            enforced: self.enforced,
            enforced_from: self.enforced_from.clone().map(Some),
            break_glass: given(&self.break_glass),
        })
    }
}

/// Not named at all is not the same as none.
fn given<T: Clone>(all: &[T]) -> Option<Vec<T>> {
    (!all.is_empty()).then(|| all.to_vec())
}

fn read_file(path: &str) -> anyhow::Result<String> {
    let text = fs::read_to_string(path).with_context(|| format!("{path} cannot be read"))?;
    if text.trim().is_empty() { Err(anyhow!("{path} is empty")) } else { Ok(text) }
}
