use rusqlite::{Connection, PrepFlags, Statement};

/// Prepares a statement that is kept. The flag keeps SQLite from allocating it in its lookaside memory, which is small, fast and
/// used by every execution of a statement.
pub(crate) fn prepare<'c>(connection: &'c Connection, sql: &str) -> rusqlite::Result<Statement<'c>> {
    connection.prepare_with_flags(sql, PrepFlags::SQLITE_PREPARE_PERSISTENT)
}

/// Declares a struct of prepared statements: a field and the SQL of each.
macro_rules! statements {
    ($name:ident { $($(#[$doc:meta])* $field:ident: $sql:expr,)* }) => {
        pub(crate) struct $name<'c> {
            $($(#[$doc])* pub(crate) $field: rusqlite::Statement<'c>,)*
        }

        impl<'c> $name<'c> {
            /// Each statement's name and SQL.
            #[cfg(test)]
            pub(crate) const SQL: &'static [(&'static str, &'static str)] = &[$((stringify!($field), $sql),)*];

            pub(crate) fn prepare(connection: &'c rusqlite::Connection) -> rusqlite::Result<Self> {
                Ok(Self { $($field: crate::statements::prepare::prepare(connection, $sql)?,)* })
            }
        }
    };
}
pub(crate) use statements;
