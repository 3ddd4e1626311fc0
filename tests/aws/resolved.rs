//! The template as it is deployed: transformed as AWS does, its parameters, references and conditions replaced by the
//! values of one stack.

use serde_json::{Map, Value};
use support::emulator::{Emulator, REGION, template_file};

/// The account in which the emulator puts everything.
const ACCOUNT: &str = "000000000000";

/// The template of a deployed stack.
pub(crate) struct Resolved {
    template: Value,
    /// The parameters that the stack was deployed with.
    parameters: Value,
    /// The physical name of each resource.
    names: Value,
    stack: String,
}

/// The template as `CloudFormation` sees it, with references.
pub(crate) fn transformed() -> Value {
    let file = template_file();
    Emulator::shared().script("transformed.py", &[file.to_str().expect("a path in UTF-8")])
}

/// The texts of a value that is one or a list of them.
pub(crate) fn texts(value: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned();
    value.as_array().map_or_else(|| vec![text(value)], |values| values.iter().map(text).collect())
}

impl Resolved {
    /// The template with these parameters, of a stack that is not deployed: each resource's name is the one that it has
    /// in the template.
    pub(crate) fn undeployed(parameters: Value) -> Self {
        let template = transformed();
        let resources = template["Resources"].as_object().expect("the template has resources");
        let names = resources.keys().map(|name| (name.clone(), Value::from(name.as_str()))).collect();
        Self { template, parameters, names, stack: "stack".to_owned() }
    }

    /// The template with these parameters; `names` has each resource's physical name.
    pub(crate) fn new(stack: &str, parameters: Value, names: Value) -> Self {
        Self { template: transformed(), parameters, names, stack: stack.to_owned() }
    }

    /// The properties of all resources of a type that exist in the stack, by their names in the template.
    pub(crate) fn of_type(&self, kind: &str) -> Vec<(String, Value)> {
        let resources = self.template["Resources"].as_object().expect("the template has resources");
        let of_type = resources.iter().filter(|(_, resource)| resource["Type"] == kind);
        let exists = |resource: &Value| resource["Condition"].as_str().is_none_or(|name| self.condition(name));
        of_type
            .filter(|(_, resource)| exists(resource))
            .map(|(name, resource)| (name.clone(), self.value(&resource["Properties"]).expect("it has properties")))
            .collect()
    }

    /// The physical name of a resource.
    pub(crate) fn name(&self, resource: &str) -> String {
        self.names[resource].as_str().unwrap_or_else(|| panic!("the stack has no {resource}")).to_owned()
    }

    /// The value without references. `None` for `AWS::NoValue`.
    fn value(&self, value: &Value) -> Option<Value> {
        match value {
            Value::Array(values) => Some(values.iter().filter_map(|value| self.value(value)).collect()),
            Value::Object(object) => match object.iter().next() {
                Some((function, argument))
                    if object.len() == 1 && (function == "Ref" || function.starts_with("Fn::")) =>
                {
                    self.call(function, argument)
                }
                _ => Some(Value::Object(self.object(object))),
            },
            plain => Some(plain.clone()),
        }
    }

    fn object(&self, object: &Map<String, Value>) -> Map<String, Value> {
        object.iter().filter_map(|(key, value)| Some((key.clone(), self.value(value)?))).collect()
    }

    fn call(&self, function: &str, argument: &Value) -> Option<Value> {
        match function {
            "Ref" => self.reference(argument.as_str().expect("a reference names something")),
            "Fn::GetAtt" => {
                let [resource, attribute] = &argument.as_array().expect("two names")[..] else { panic!("{argument}") };
                Some(self.attribute(resource.as_str().unwrap(), attribute.as_str().unwrap()).into())
            }
            "Fn::Sub" => Some(self.substitute(argument.as_str().expect("a text")).into()),
            "Fn::If" => {
                let holds = self.condition(argument[0].as_str().expect("a condition's name"));
                self.value(&argument[if holds { 1 } else { 2 }])
            }
            other => panic!("{other} is not known here"),
        }
    }

    fn reference(&self, name: &str) -> Option<Value> {
        match name {
            "AWS::NoValue" => None,
            "AWS::StackName" => Some(self.stack.as_str().into()),
            "AWS::Region" => Some(REGION.into()),
            "AWS::AccountId" => Some(ACCOUNT.into()),
            "AWS::Partition" => Some("aws".into()),
            _ => Some(match self.template["Parameters"].get(name) {
                Some(parameter) => self.parameters.get(name).unwrap_or(&parameter["Default"]).clone(),
                None => self.names.get(name).unwrap_or_else(|| panic!("the stack has no {name}")).clone(),
            }),
        }
    }

    /// An attribute of a resource.
    pub(crate) fn attribute(&self, resource: &str, attribute: &str) -> String {
        let name = self.reference(resource).expect("a resource has a name");
        let name = name.as_str().expect("a name is a text");
        // A queue's name is its URL.
        let last = name.rsplit('/').next().unwrap_or(name);
        let arn = |service: &str, name: &str| format!("arn:aws:{service}:{REGION}:{ACCOUNT}:{name}");
        match (self.template["Resources"][resource]["Type"].as_str().expect("it has a type"), attribute) {
            ("AWS::SQS::Queue", "QueueName") => last.to_owned(),
            ("AWS::SQS::Queue", "Arn") => arn("sqs", last),
            ("AWS::DynamoDB::Table", "Arn") => arn("dynamodb", &format!("table/{name}")),
            ("AWS::Logs::LogGroup", "Arn") => arn("logs", &format!("log-group:{name}:*")),
            ("AWS::Lambda::Function", "Arn") => arn("lambda", &format!("function:{name}")),
            ("AWS::IAM::Role", "Arn") => format!("arn:aws:iam::{ACCOUNT}:role/{name}"),
            (kind, attribute) => panic!("{kind} {attribute} is not known here"),
        }
    }

    fn substitute(&self, text: &str) -> String {
        let Some((before, rest)) = text.split_once("${") else { return text.to_owned() };
        let (name, after) = rest.split_once('}').expect("a reference ends");
        let value = match name.split_once('.') {
            Some((resource, attribute)) => self.attribute(resource, attribute),
            None => self.reference(name).and_then(|value| value.as_str().map(str::to_owned)).expect("a text"),
        };
        format!("{before}{value}{}", self.substitute(after))
    }

    fn condition(&self, name: &str) -> bool {
        self.holds(&self.template["Conditions"][name])
    }

    fn holds(&self, condition: &Value) -> bool {
        if let Some(negated) = condition.get("Fn::Not") {
            return !self.holds(&negated[0]);
        }
        let sides = &condition["Fn::Equals"];
        assert!(sides.is_array(), "{condition} is not known here");
        self.value(&sides[0]) == self.value(&sides[1])
    }
}
