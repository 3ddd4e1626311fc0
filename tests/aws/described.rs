//! Properties of `template.yaml` that no emulator can show, read from the template.

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use support::emulator::Emulator;

fn template() -> &'static Value {
    Emulator::shared().template()
}

fn of_type(kind: &str) -> Vec<(&'static String, &'static Value)> {
    let resources = template()["Resources"].as_object().unwrap();
    resources
        .iter()
        .filter(|(_, resource)| resource["Type"] == kind)
        .map(|(name, one)| (name, &one["Properties"]))
        .collect()
}

fn keys(object: &Map<String, Value>) -> BTreeSet<&str> {
    object.keys().map(String::as_str).collect()
}

#[test]
fn it_sets_exactly_what_the_code_reads() {
    let variables = &template()["Globals"]["Function"]["Environment"]["Variables"];
    assert_eq!(keys(variables.as_object().unwrap()), BTreeSet::from(aws::settings::VARIABLES));
    for (name, function) in of_type("AWS::Serverless::Function") {
        assert!(function.get("Environment").is_none(), "{name} has variables of its own");
    }
}

#[test]
fn every_function_has_a_role_and_a_log_of_its_own() {
    let functions = of_type("AWS::Serverless::Function");
    assert_eq!(functions.len(), 4);
    for (name, function) in functions {
        assert_eq!(function["Role"]["Fn::GetAtt"][0], format!("{name}Role"));
        assert_eq!(function["LoggingConfig"]["LogGroup"]["Ref"], format!("{name}Log"));
        assert_eq!(function["LoggingConfig"]["LogFormat"], "JSON");
    }
    for (name, log) in of_type("AWS::Logs::LogGroup") {
        assert!(log.get("RetentionInDays").is_some(), "{name} is kept for ever");
    }
}

#[test]
fn a_role_allows_named_actions_on_named_things() {
    for (name, role) in of_type("AWS::IAM::Role") {
        for statement in role["Policies"][0]["PolicyDocument"]["Statement"].as_array().unwrap() {
            let actions = statement["Action"].to_string();
            assert!(!actions.contains('*'), "{name} allows {actions}");
            // X-Ray knows no resources.
            assert!(statement["Resource"] != "*" || actions.contains("xray:"), "{name} allows {actions} on everything");
        }
    }
}

#[test]
fn only_retention_reaches_the_archive_and_only_its_bucket() {
    let [(_, policy)] = of_type("AWS::IAM::Policy")[..] else { panic!("one policy beside the roles") };
    assert_eq!(template()["Resources"]["ArchivePolicy"]["Condition"], "HasArchive");
    assert_eq!(policy["Roles"], serde_json::json!([{ "Ref": "RetentionRole" }]));
    let statements = policy["PolicyDocument"]["Statement"].as_array().unwrap();
    let allowed: BTreeSet<_> = statements
        .iter()
        .map(|one| (one["Action"].to_string(), one["Resource"]["Fn::Sub"].as_str().unwrap()))
        .collect();
    let bucket = "arn:${AWS::Partition}:s3:::${ArchiveBucket}";
    let objects = format!("{bucket}/*");
    assert_eq!(
        allowed,
        BTreeSet::from([
            (r#""s3:ListBucket""#.to_owned(), bucket),
            (r#"["s3:GetObject","s3:PutObject","s3:DeleteObject"]"#.to_owned(), &objects),
        ])
    );
    for (name, role) in of_type("AWS::IAM::Role") {
        assert!(!role.to_string().contains("s3:"), "{name} reaches S3");
    }
}

#[test]
fn an_archive_that_is_late_is_told_of_long_before_anything_is_deleted() {
    let alarm = &template()["Resources"]["ArchiveLagAlarm"];
    assert_eq!(alarm["Condition"], "HasArchive");
    let alarm = &alarm["Properties"];
    assert_eq!(alarm["MetricName"], domain::metric::Metric::ArchiveLag.name());
    assert_eq!(alarm["TreatMissingData"], "breaching");
    let told_after = jiff::SignedDuration::from_millis(alarm["Threshold"].as_i64().unwrap());
    assert!(told_after * 10 < aws::ARCHIVE_GRACE, "{told_after:?}");
}

#[test]
fn data_outlives_mistakes() {
    let [(_, table)] = of_type("AWS::DynamoDB::Table")[..] else { panic!("one table") };
    assert_eq!(table["TimeToLiveSpecification"]["AttributeName"], "ttl");
    assert_eq!(table["TimeToLiveSpecification"]["Enabled"], true);
    assert_eq!(table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"], true);
    assert_eq!(table["SSESpecification"]["SSEEnabled"], true);
    assert_eq!(table["DeletionProtectionEnabled"]["Ref"], "DeletionProtection");
    assert_eq!(template()["Parameters"]["DeletionProtection"]["Default"], "true");
}

#[test]
fn the_queue_is_patient() {
    let resources = &template()["Resources"];
    let (queue, dispatch) = (&resources["Queue"]["Properties"], &resources["Dispatch"]["Properties"]);
    assert!(queue["VisibilityTimeout"].as_u64().unwrap() >= 6 * dispatch["Timeout"].as_u64().unwrap());
    assert!(queue["RedrivePolicy"]["maxReceiveCount"].as_u64().unwrap() >= 5);
    let source = &dispatch["Events"]["Work"]["Properties"];
    assert_eq!(source["FunctionResponseTypes"][0], "ReportBatchItemFailures");
    for (name, queue) in of_type("AWS::SQS::Queue") {
        assert_eq!(queue["SqsManagedSseEnabled"], true, "{name}");
    }
}
