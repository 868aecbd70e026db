//! What the program tells of the bank itself, and of the strategies that its jobs have chosen.

use serde_json::{Value, json};

use crate::program::{Place, bank, run};

#[test]
fn the_wiring_is_a_tree_from_command_to_command() {
    let tree = run(["wiring"]).succeeded();
    let withdraw = "
StartTransfer: Send money from one account to another.
│  ordered by `from`
│  idempotency key `transfer`
│  up to 5 attempts, 100ms, 200ms, … apart
└─ entity Account by `from`, must exist
   │  checks to_another_account, transfer_covered
   └─ event TransferStarted: The money of a transfer has left its account.
      └─ handler route_transfer
         │  unlimited attempts, 100ms, 200ms, … apart
         │  uses Repository<Account>, Repository<Transfer>
         ├─ command CompleteTransfer
         └─ command RefundTransfer
";
    assert!(tree.contains(withdraw), "{tree}");
    assert!(tree.contains("├─ not_overdrawn: An account is never overdrawn.\n"), "{tree}");
}

#[test]
fn the_wiring_is_json_and_a_flowchart_too() {
    let wiring = run(["wiring", "--json"]).json();
    let names = |list: &str| {
        let list = wiring[list].as_array().expect("it is a list").iter();
        list.map(|part| part["name"].as_str().expect("it has a name").to_owned()).collect::<Vec<_>>()
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

    let chart = run(["wiring", "--mermaid"]).succeeded();
    assert!(chart.starts_with("flowchart LR\n"), "{chart}");
    assert!(chart.contains("    h_route_transfer --> c_RefundTransfer\n"), "{chart}");

    let both = run(["wiring", "--mermaid", "--json"]);
    assert_eq!(both.code, Some(2), "{}", both.stdout);
}

#[test]
fn every_schema_is_one_of_2020_12_with_descriptions() {
    let schemas = run(["schema"]).json();
    let schemas = schemas.as_object().expect("schemas stand by their names");
    assert!(schemas.contains_key("Withdraw") && schemas.contains_key("MoneyWithdrawn"));
    for (name, schema) in schemas {
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema", "{name}");
        jsonschema::draft202012::meta::validate(schema).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(&run(["schema", name]).json(), schema);

        assert!(schema["description"].is_string(), "{name} is not described");
        let fields = schema["properties"].as_object().expect("it has fields");
        for (field, schema) in fields {
            assert!(schema["description"].is_string(), "`{field}` of {name} is not described");
        }
    }
}

#[test]
fn a_schema_accepts_what_the_bank_does() {
    let schema = run(["schema", "Withdraw"]).json();
    let withdraw = jsonschema::draft202012::new(&schema).expect("it is a schema");
    assert!(withdraw.is_valid(&json!({ "account": "a-1", "cents": 1 })));
    for wrong in [
        json!({ "account": "a-1", "cents": 0 }),
        json!({ "account": "a 1", "cents": 1 }),
        json!({ "account": "a-1", "cents": 1, "currency": "EUR" }),
        json!({ "cents": 1 }),
    ] {
        assert!(!withdraw.is_valid(&wrong), "{wrong}");
    }
}

#[test]
fn an_unknown_name_is_answered_with_those_there_are() {
    let refused = run(["schema", "withdraw"]).refused();
    assert!(refused.contains("there is no command or event `withdraw`"), "{refused}");
    assert!(refused.contains("TransferStarted, Withdraw"), "{refused}");
}

#[test]
fn help_says_what_it_can_tell() {
    let help = run(["--help"]).succeeded();
    assert!(help.contains("  wiring ") && help.contains("  schema "), "{help}");
    assert!(run(["wiring", "--help"]).succeeded().contains("--mermaid"));
    assert!(run(["schema", "--help"]).succeeded().contains("[NAME]"));
}

#[test]
fn a_job_tells_which_strategies_its_attempts_have_chosen() {
    let place = Place::new();
    let db = place.path("bank.db");
    bank(&db, &["deposit", "a-1", "2000000"]).succeeded();
    let withdraw = |options: &[&str]| {
        let refused = bank(&db, &[&["withdraw", "a-1", "2000000", "--json"], options].concat()).json();
        refused["job"].as_str().expect("it has a job").to_owned()
    };

    let id = withdraw(&["--tenant", "enterprise"]);
    let text = bank(&db, &["job", &id]).succeeded();
    assert!(text.contains("\nattempt 1 chose clearance for FraudAssessment\n"), "{text}");
    let report = bank(&db, &["job", &id, "--json"]).json();
    let chosen = json!([{ "strategy": "FraudAssessment", "variant": "clearance" }]);
    assert_eq!(report["attempts"][0]["strategies"], chosen);
    assert_eq!(report["job"]["failure"]["code"], "suspicious");

    let text = bank(&db, &["job", &withdraw(&[])]).succeeded();
    assert!(text.contains("\nattempt 1 chose amount_limit for FraudAssessment\n"), "{text}");
}
