//! The bank from the outside: its program as people and scripts run it, and its domain as a program uses it.

mod command_line;
mod crash;
mod domain;
mod fixture;
mod fraud;
mod notify;
mod plain_loop;
mod program;
mod replay;
mod transfer;
