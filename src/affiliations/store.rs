use diesel::expression::{AppearsOnTable, Expression, SelectableExpression, ValidGrouping, is_aggregate};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::sql_types::{Array, Nullable, Text};

use super::Affiliations;
use crate::config::settings::Organizations;
use crate::db::schema::users;
use crate::db::{self, ReadTx};
use crate::kernel::UserId;

/// As many memberships are read of one person, and as many groups ([`super::MOST`]): more of them do not fit into a header.
/// Rules take it into account that there may be more.
const FROM_TABLES: &str = "(SELECT CASE WHEN cardinality(told.slugs) = 0 THEN '{}' ELSE \
    ARRAY(SELECT word.text FROM members JOIN organizations ON organizations.id = members.organization_id \
        CROSS JOIN LATERAL (VALUES (1, organizations.slug), (2, organizations.slug || ':' || members.role)) \
            AS word (number, text) \
        WHERE members.user_id = users.id AND (told.slugs IS NULL OR organizations.slug = ANY (told.slugs)) \
        ORDER BY organizations.slug COLLATE \"C\", word.number LIMIT 512) || \
    ARRAY(SELECT organizations.slug || '/' || groups.name FROM group_members \
        JOIN groups ON groups.id = group_members.group_id \
        JOIN organizations ON organizations.id = group_members.organization_id \
        WHERE group_members.user_id = users.id AND (told.slugs IS NULL OR organizations.slug = ANY (told.slugs)) \
        ORDER BY organizations.slug COLLATE \"C\", groups.name COLLATE \"C\" LIMIT 512) \
    END FROM (SELECT ";

/// One more column, an array of texts, of a statement that reads a row of `users`. Where no organization is named, nothing
/// is looked up for it. An expression of its own: a piece of SQL would keep diesel from preparing the statement once.
#[derive(Clone, Debug, QueryId)]
pub struct Column {
    slugs: Option<Vec<String>>,
}

pub fn column(told: &Organizations) -> Column {
    let slugs = match told {
        Organizations::All => None,
        Organizations::Named(slugs) => Some(slugs.clone()),
    };
    Column { slugs }
}

/// Those of one person.
pub fn find(tx: &mut ReadTx<'_>, user: UserId, told: &Organizations) -> Result<Affiliations, db::Error> {
    let words: Option<Vec<String>> = users::table.find(user).select(column(told)).first(tx.conn()).optional()?;
    Ok(Affiliations(words.unwrap_or_default()))
}

impl Expression for Column {
    type SqlType = Array<Text>;
}

impl<QS> AppearsOnTable<QS> for Column where users::id: AppearsOnTable<QS> {}

impl<QS> SelectableExpression<QS> for Column where users::id: SelectableExpression<QS> {}

impl<GroupBy> ValidGrouping<GroupBy> for Column {
    type IsAggregate = is_aggregate::Never;
}

impl QueryFragment<Pg> for Column {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(FROM_TABLES);
        out.push_bind_param::<Nullable<Array<Text>>, _>(&self.slugs)?;
        out.push_sql(" AS slugs) AS told)");
        Ok(())
    }
}
