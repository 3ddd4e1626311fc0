//! Forms in which real systems leak credentials, assembled from parts that no scanner takes for one.

use serde_json::{Value, json};

/// Letters and digits without a meaning, as many as wished.
fn noise(length: usize) -> String {
    "q7Zk2Wm9Xb4Tn6Rv8Yc3Hd5Jf1Lg0PsAe".chars().cycle().take(length).collect()
}

fn hex(length: usize) -> String {
    "9f3c1b7e5a2d8046".chars().cycle().take(length).collect()
}

fn upper(length: usize) -> String {
    noise(length).to_uppercase()
}

/// A password as people choose them.
fn password() -> String {
    ["hunt", "er2-", "Q!x"].concat()
}

/// Texts in which a placeholder stands for a password that nothing but the text says is one.
const ASSIGNED: [&str; 86] = [
    "%7B%22password%22%3A%22{}%22%7D",
    "%7B%22token%22%3A%20%22{}%22%7D",
    "Authorization%3A%20Bearer%20{}",
    "%3Cpassword%3E{}%3C%2Fpassword%3E",
    "&lt;password&gt;{}&lt;/password&gt;",
    "{'password': b'{}'}",
    "DB_PASS={}",
    "user=a pass={} host=b",
    "ansible_become_pass={}",
    "auth={}",
    "<password type=\"string\">{}</password>",
    "<password><![CDATA[{}]]></password>",
    "Authorization: Bearer\r\n {}",
    "\"password\" => \"{}\"",
    "'password' => '{}',",
    "os.environ[\"SECRET_KEY\"] = \"{}\"",
    "password=\"\"\"{}\"\"\"",
    "password\t=\t{}",
    "password={}",
    "login failed for bob, password={}",
    "PASSWORD = {}",
    "passwd={}&user=bob",
    "pwd={};Server=db1;User Id=sa",
    "Server=db1;User Id=sa;Password={};Encrypt=yes",
    "user=bob password={} host=db1",
    "PGPASSWORD={} psql -h db1",
    "export AWS_SECRET_ACCESS_KEY={}",
    "AWS_SESSION_TOKEN={}",
    "client_secret={}&grant_type=client_credentials",
    "https://app.example/login?user=bob&password={}",
    "GET /callback?access_token={}&state=1 HTTP/1.1",
    "https://app.example/#id_token={}",
    "next=%2Flogin%3Fpassword%3D{}%26user%3Dbob",
    "a%253Dpassword%253D{}%2526b",
    "token={}",
    "csrf_token={}",
    "csrfmiddlewaretoken={}",
    "api_key={}",
    "apikey={}&q=1",
    "x-api-key: {}",
    "X-Vault-Token: {}",
    "X-Auth-Token: {}",
    "x-amz-security-token: {}",
    "Authorization: Digest username=\"bob\", response=\"{}\"",
    "Authorization: {}",
    "authorization: Token {}",
    "curl -H 'Authorization: ApiKey {}' https://api.example",
    "Proxy-Authorization: Negotiate {}",
    "Cookie: theme=dark; session={}",
    "Set-Cookie: sid={}; Path=/; HttpOnly",
    "{\"user\":\"bob\",\"password\":\"{}\"}",
    "{\\\"password\\\":\\\"{}\\\"}",
    "{'password': '{}', 'user': 'bob'}",
    "{\"client_secret\" : \"{}\"}",
    "password: {}",
    "the password: \"{}\" was refused",
    "token => secret_token='{}'",
    "<password>{}</password>",
    "<wsse:Password Type=\"PasswordText\">{}</wsse:Password>",
    "<add key=\"x\" password=\"{}\"/>",
    "mysql --password={} -u root",
    "mysql --password {} -u root",
    "vault login --token {}",
    "curl -u bob:{} https://api.example",
    "curl --user bob:{} https://api.example",
    "wget --http-password={} https://x.example",
    "sig={}&se=2026-01-01",
    "https://acct.blob.core.windows.net/c?sv=2022&sig={}",
    "DefaultEndpointsProtocol=https;AccountName=a;AccountKey={};EndpointSuffix=core.windows.net",
    "Endpoint=sb://x.example/;SharedAccessKeyName=Root;SharedAccessKey={}",
    "X-Amz-Signature={}&X-Amz-Date=1",
    "X-Amz-Credential={}",
    "X-Goog-Signature={}",
    "Signature={}&Expires=12345",
    "JSESSIONID={}",
    "PHPSESSID={}; path=/",
    "sessionid={}",
    "otp={}",
    "totp={}",
    "jwt={}",
    "psk={}",
    "wpa_passphrase={}",
    "encryption_key={}",
    "private_key={}",
    "ssh_private_key = {}",
    "credentials={}",
];

/// Keys whose value is a secret, whatever it is.
const KEYS: [&str; 40] = [
    "password",
    "Password",
    "new_password",
    "userPassword",
    "passphrase",
    "passwd",
    "pwd",
    "user.pwd",
    "PIN",
    "cardPin",
    "otp",
    "otpCode",
    "totp",
    "jwt",
    "JWT",
    "id_token",
    "refreshToken",
    "access-token",
    "csrf",
    "X-XSRF",
    "secret",
    "clientSecret",
    "SECRET_KEY",
    "api_key",
    "apiKey",
    "ApiKey",
    "X-Api-Key",
    "privateKey",
    "sshKey",
    "SSHKey",
    "x-auth",
    "Authorization",
    "proxyAuthorization",
    "cookie",
    "Set-Cookie",
    "credential",
    "aws_credentials",
    "signature",
    "psk",
    "key",
];

/// Forms that need no name. Each with the part that must not be there afterwards.
pub(super) fn formed() -> Vec<(String, String)> {
    let with = |prefix: &str, rest: String| (format!("{prefix}{rest}"), rest);
    let pair = |user: &str| {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.encode(format!("{user}:{}", password()))
    };
    let jwt = [["ey", "JhbGciOiJIUzI1NiJ9"].concat(), ["ey", "JzdWIiOiIxIn0"].concat(), noise(20)].join(".");
    let block = |kind: &str| {
        format!("-----BEGIN {kind}PRIVATE {}-----\n{}\n-----END {kind}PRIVATE {}-----", "KEY", noise(64), "KEY")
    };
    let mut forms = vec![
        with("AKIA", upper(16)),
        with("ASIA", upper(16)),
        with("FwoGZXIvYXdz", noise(60)),
        with("IQoJb3JpZ2luX2Vj", noise(60)),
        (jwt.clone(), noise(20)),
        (format!("Bearer {jwt}"), noise(20)),
        with("gh", format!("p_{}", noise(36))),
        with("gho", format!("_{}", noise(36))),
        with("ghu", format!("_{}", noise(36))),
        with("ghs", format!("_{}", noise(36))),
        with("ghr", format!("_{}", noise(36))),
        with("github", format!("_pat_{}", noise(60))),
        with("glpat", format!("-{}", noise(20))),
        with("gldt", format!("-{}", noise(20))),
        with("glrt", format!("-{}", noise(20))),
        with("xoxb", format!("-123456789012-{}", noise(24))),
        with("xoxp", format!("-123456789012-{}", noise(24))),
        with("xapp", format!("-1-{}", noise(24))),
        with("sk", format!("_live_{}", noise(24))),
        with("rk", format!("_test_{}", noise(24))),
        with("whsec", format!("_{}", noise(32))),
        with("AIza", noise(35)),
        with("ya29", format!(".{}", noise(60))),
        with("GOCSPX", format!("-{}", noise(28))),
        with("1//0", noise(40)),
        with("pypi", format!("-AgEIcHlwaS5vcmc{}", noise(60))),
        with("npm", format!("_{}", noise(36))),
        with("rubygems", format!("_{}", hex(48))),
        with("dckr", format!("_pat_{}", noise(27))),
        with("SG", format!(".{}.{}", noise(22), noise(43))),
        with("key", format!("-{}", hex(32))),
        with("sk", format!("-{}", noise(48))),
        with("sk", format!("-ant-api03-{}", noise(40))),
        with("sk", format!("-proj-{}", noise(40))),
        with("hf", format!("_{}", noise(34))),
        with("dop", format!("_v1_{}", hex(64))),
        with("shpat", format!("_{}", hex(32))),
        with("sq0atp", format!("-{}", noise(22))),
        with("dapi", hex(32)),
        with("glsa", format!("_{}_{}", noise(32), hex(8))),
        with("NRAK", format!("-{}", upper(27))),
        with("lin_api", format!("_{}", noise(40))),
        with("ntn", format!("_{}", noise(46))),
        with("hvs", format!(".{}", noise(24))),
        with("AGE-SECRET", format!("-KEY-1{}", upper(58))),
        with("tskey", format!("-auth-{}", noise(30))),
        with("sbp", format!("_{}", hex(40))),
        with("nuncio", format!("_{}", noise(43))),
        with("PMAK", format!("-{}", hex(40))),
        with("dt0c01", format!(".{}.{}", upper(24), upper(64))),
        (format!("M{}.Gx{}.{}", noise(24), noise(4), noise(30)), noise(30)),
        (format!("https://discord.com/api/webhooks/1234567890/{}", noise(60)), noise(60)),
        (format!("https://hooks.slack.com/services/T0001/B0001/{}", noise(24)), noise(24)),
        (format!("https://x.webhook.office.com/webhookb2/{}@t/IncomingWebhook/1", noise(36)), noise(36)),
        (format!("https://api.telegram.org/bot123456789:AA{}/sendMessage", noise(33)), noise(33)),
        (format!("123456789:AA{}", noise(33)), noise(33)),
        (format!("abc8Q~{}", noise(34)), noise(34)),
        (format!("{}.atlasv1.{}", noise(14), noise(60)), noise(60)),
        (format!("https://app.example/cb?code={}&state=1", noise(30)), noise(30)),
        (format!("Basic {}", pair("bob")), pair("bob")),
        (format!("proxy said basic {}", pair("alice")), pair("alice")),
        (format!("$2b$12${}", noise(53)), noise(53)),
        (format!("$6$salt${}", noise(86)), noise(86)),
        (format!("$argon2id$v=19$m=65536,t=3,p=4${}${}", noise(22), noise(43)), noise(43)),
        (format!("pbkdf2_sha256$600000${}${}", noise(22), noise(43)), noise(43)),
        (format!("bcrypt_sha256$$2b$12${}", noise(53)), noise(53)),
        (format!("{{SSHA}}{}", noise(40)), noise(40)),
        (format!("SCRAM-SHA-256$4096:{}:{}", noise(24), noise(44)), noise(44)),
        (format!("Private-Lines: 2\n{}\n{}", noise(64), noise(40)), noise(64)),
        (block(""), noise(64)),
        (block("RSA "), noise(64)),
        (block("OPENSSH "), noise(64)),
        (block("EC "), noise(64)),
        (block("ENCRYPTED "), noise(64)),
    ];
    for (scheme, user) in
        [("postgres", "root"), ("amqp", "guest"), ("https", "bob"), ("redis", ""), ("mongodb+srv", "u"), ("ftp", "x")]
    {
        forms.push((format!("{scheme}://{user}:{}@host.example/v", password()), password()));
    }
    forms
}

/// Places in an event at which a form may stand.
pub(super) fn placed(form: &str) -> Vec<Value> {
    vec![
        json!({ "message": form }),
        json!({ "message": format!("it said: {form}") }),
        json!({ "args": { "list": [form] } }),
        json!({ "http": { "line": format!("\"{form}\"") } }),
    ]
}

pub(super) fn leaking() -> Vec<(Value, String)> {
    let mut all = Vec::new();
    for form in ASSIGNED {
        let secret = if form.contains("Key") || form.contains("sig") { noise(40) } else { password() };
        all.push((json!({ "message": form.replace("{}", &secret) }), secret.clone()));
    }
    for key in KEYS {
        all.push((json!({ key: password() }), password()));
    }
    for (form, secret) in formed() {
        all.push((json!({ "message": form }), secret));
    }
    let secret = password();
    for structured in [
        json!({ "headers": [["Authorization", secret], ["Accept", "*/*"]] }),
        json!({ "headers": [{ "name": "X-Api-Key", "value": secret }] }),
        json!({ "headers": [{ "Name": "Cookie", "Value": secret }] }),
        json!({ "env": [{ "name": "DB_PASSWORD", "value": secret }, { "name": "HOME", "value": "/root" }] }),
        json!({ "params": [{ "key": "client_secret", "value": secret }] }),
        json!({ "diff": { "password": { "previous_value": secret, "new_value": null } } }),
        json!({ "diff": { "apiKey": { "old": secret, "new": "x" } } }),
        json!({ "token": { "value": secret, "ttl": 3 } }),
        json!({ "tokens": [secret, [secret]] }),
        json!({ "a": { "b": [{ "c": { "pwd": secret } }] } }),
        json!({ format!("password={secret}"): 1 }),
        json!({ "h": [["Authorization", secret]] }),
        json!({ "argv": ["mysql", "--password", secret, "-u", "root"] }),
        json!({ "session_id": secret }),
    ] {
        all.push((structured, secret.clone()));
    }
    all
}
