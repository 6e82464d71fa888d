//! A filter of messages as SQL for both engines.

use super::{Store, StoreError, statement, value::Value};
use crate::model::{ConversationId, Deleted, MessageFilter};

/// Conditions on the table `messages` that a query calls `m`, and the arguments that they take.
#[derive(Debug, Default)]
pub(super) struct Conditions {
    /// ` and …` for each condition, nothing where there is none.
    pub(super) sql: String,
    /// The arguments, in the order of their numbers.
    pub(super) args: Vec<Value>,
}

impl Conditions {
    /// The conditions of a filter; their arguments are numbered from `first_argument` (1 is a
    /// statement's first).
    pub(super) fn of(filter: &MessageFilter, first_argument: usize) -> Self {
        let mut found = Self::default();
        let texts = |list: &[String]| (!list.is_empty()).then(|| Value::from(list.to_vec()));
        let ids: Vec<String> = filter
            .conversations
            .iter()
            .map(|id| id.as_str().to_owned())
            .collect();
        let parts = [
            (
                "m.conversation_key in (select key from conversations where id {in_texts:N})",
                texts(&ids),
            ),
            ("m.sender_id {in_texts:N}", texts(&filter.senders)),
            ("m.type {in_texts:N}", texts(&filter.types)),
            ("m.created_at >= $N", filter.from.map(Value::from)),
            ("m.created_at < $N", filter.to.map(Value::from)),
        ];
        for (condition, argument) in parts {
            let Some(argument) = argument else { continue };
            let number = (first_argument + found.args.len()).to_string();
            found.and(&condition.replace('N', &number));
            found.args.push(argument);
        }
        match filter.deleted {
            Deleted::Include => {}
            Deleted::Exclude => found.and("m.deleted_at is null"),
            Deleted::Only => found.and("m.deleted_at is not null"),
        }
        found
    }

    fn and(&mut self, condition: &str) {
        self.sql.push_str(" and ");
        self.sql.push_str(condition);
    }
}

impl Store {
    /// Those of the ids that the archive does not know, in their order.
    pub async fn read_unknown_conversations(
        &self,
        ids: &[ConversationId],
    ) -> Result<Vec<ConversationId>, StoreError> {
        let names: Vec<String> = ids.iter().map(|id| id.as_str().to_owned()).collect();
        let statement = &statement::CONVERSATION_KEYS_BY_ID;
        let mut known = Vec::new();
        for mut row in self.select(statement, vec![names.into()]).await? {
            row.int()?;
            known.push(row.text()?);
        }
        let is_unknown = |id: &&ConversationId| !known.iter().any(|name| name == id.as_str());
        Ok(ids.iter().filter(is_unknown).cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Timestamp;

    #[test]
    fn an_empty_filter_asks_for_nothing() {
        let conditions = Conditions::of(&MessageFilter::default(), 3);
        assert_eq!(conditions.sql, "");
        assert!(conditions.args.is_empty());
    }

    #[test]
    fn arguments_are_numbered_from_the_first_and_left_out_where_nothing_is_asked() {
        let filter = MessageFilter {
            senders: vec!["u_1".into()],
            to: Some(Timestamp::from_millis(5)),
            deleted: Deleted::Exclude,
            ..MessageFilter::default()
        };
        let conditions = Conditions::of(&filter, 3);
        assert_eq!(
            conditions.sql,
            " and m.sender_id {in_texts:3} and m.created_at < $4 and m.deleted_at is null"
        );
        assert_eq!(
            conditions.args,
            [
                Value::Texts(vec!["u_1".into()]),
                Value::from(Timestamp::from_millis(5))
            ]
        );
    }
}
