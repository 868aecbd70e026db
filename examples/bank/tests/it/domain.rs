//! `bank wiring` and `bank schema`, and the strategies that `bank job` shows.

use serde_json::{Value, json};

use crate::program::{TestDir, bank, run};

#[test]
fn the_wiring_is_printed_as_a_tree() {
    let tree = run(["wiring"]).success();
    let start_transfer = "
StartTransfer: Send money from one account to another.
│  ordered by `from`
│  idempotency key `transfer`
│  up to 5 attempts, 100ms, 200ms, … apart
└─ entity Account by `from`, must exist
   │  checks to_another_account, transfer_covered
   └─ event TransferStarted: The sender of a transfer was debited.
      └─ handler route_transfer
         │  unlimited attempts, 100ms, 200ms, … apart
         │  uses Repository<Account>, Repository<Transfer>
         ├─ command CompleteTransfer
         └─ command RefundTransfer
";
    assert!(tree.contains(start_transfer), "{tree}");
    assert!(tree.contains("├─ not_overdrawn: An account is never overdrawn.\n"), "{tree}");
}

#[test]
fn the_wiring_is_printed_as_json_and_as_a_flowchart() {
    let wiring = run(["wiring", "--json"]).json();
    let names = |list: &str| {
        let list = wiring[list].as_array().expect("a list").iter();
        list.map(|part| part["name"].as_str().expect("a name").to_owned()).collect::<Vec<_>>()
    };
    let commands = [
        "CompleteTransfer",
        "CreditInterest",
        "Deposit",
        "OpenAccount",
        "PayInterest",
        "RefundTransfer",
        "StartTransfer",
        "Withdraw",
    ];
    assert_eq!(names("commands"), commands);
    assert_eq!(names("entities"), ["Account", "Transfer"]);
    assert_eq!(wiring["commands"][0]["handler"]["publishes"], json!(["RefundTransfer"]));
    assert_eq!(wiring["commands"][0]["handler"]["retry"]["attempts"], Value::Null);

    let chart = run(["wiring", "--mermaid"]).success();
    assert!(chart.starts_with("flowchart LR\n"), "{chart}");
    assert!(chart.contains("    h_route_transfer --> c_RefundTransfer\n"), "{chart}");

    let both = run(["wiring", "--mermaid", "--json"]);
    assert_eq!(both.code, Some(2), "{}", both.stdout);
}

#[test]
fn every_schema_follows_draft_2020_12_and_has_descriptions() {
    let schemas = run(["schema"]).json();
    let schemas = schemas.as_object().expect("an object of schemas by name");
    assert!(schemas.contains_key("Withdraw") && schemas.contains_key("MoneyWithdrawn"));
    for (name, schema) in schemas {
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema", "{name}");
        jsonschema::draft202012::meta::validate(schema).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(&run(["schema", name]).json(), schema);

        assert!(schema["description"].is_string(), "{name} has no description");
        let fields = schema["properties"].as_object().expect("an object of fields");
        for (field, schema) in fields {
            assert!(schema["description"].is_string(), "`{field}` of {name} has no description");
        }
    }
}

#[test]
fn a_schema_accepts_what_the_bank_accepts() {
    let schema = run(["schema", "Withdraw"]).json();
    let withdraw = jsonschema::draft202012::new(&schema).expect("a valid schema");
    assert!(withdraw.is_valid(&json!({ "account": "a-1", "cents": 1 })));
    for invalid in [
        json!({ "account": "a-1", "cents": 0 }),
        json!({ "account": "a 1", "cents": 1 }),
        json!({ "account": "a-1", "cents": 1, "currency": "EUR" }),
        json!({ "cents": 1 }),
    ] {
        assert!(!withdraw.is_valid(&invalid), "{invalid}");
    }
}

#[test]
fn an_unknown_schema_name_is_refused_with_the_known_names() {
    let error = run(["schema", "withdraw"]).error();
    assert!(error.contains("no command or event is named `withdraw`"), "{error}");
    assert!(error.contains("TransferStarted, Withdraw"), "{error}");
}

#[test]
fn help_lists_wiring_and_schema() {
    let help = run(["--help"]).success();
    assert!(help.contains("  wiring ") && help.contains("  schema "), "{help}");
    assert!(run(["wiring", "--help"]).success().contains("--mermaid"));
    assert!(run(["schema", "--help"]).success().contains("[NAME]"));
}

#[test]
fn a_job_shows_the_strategies_that_its_attempts_chose() {
    let dir = TestDir::new();
    let db = dir.path("bank.db");
    bank(&db, &["deposit", "a-1", "2000000"]).success();
    let withdraw = |options: &[&str]| {
        let output = bank(&db, &[&["withdraw", "a-1", "2000000", "--json"], options].concat()).json();
        output["job"].as_str().expect("the command has a job").to_owned()
    };

    let id = withdraw(&["--tenant", "enterprise"]);
    let text = bank(&db, &["job", &id]).success();
    assert!(text.contains("\nattempt 1 chose clearance for FraudAssessment\n"), "{text}");
    let report = bank(&db, &["job", &id, "--json"]).json();
    let choices = json!([{ "strategy": "FraudAssessment", "variant": "clearance" }]);
    assert_eq!(report["attempts"][0]["strategies"], choices);
    assert_eq!(report["job"]["failure"]["code"], "suspicious");

    let text = bank(&db, &["job", &withdraw(&[])]).success();
    assert!(text.contains("\nattempt 1 chose amount_limit for FraudAssessment\n"), "{text}");
}
