//! Options that no `nango` method has.

use swc_core::{
    common::Span,
    ecma::{
        ast::{CallExpr, Expr, Prop, PropName, PropOrSpread},
        visit::{Visit, VisitWith},
    },
};

use crate::{
    diagnostic::Diagnostic,
    script::{Parsed, calls::method_of},
    transform::range,
};

const CALL: [&str; 15] = [
    "endpoint",
    "method",
    "params",
    "data",
    "headers",
    "retries",
    "retryOn",
    "baseUrlOverride",
    "responseType",
    "decompress",
    "retryHeader",
    "forwardHeadersOnRedirect",
    "paginate",
    "providerConfigKey",
    "connectionId",
];

pub(super) fn find(path: &str, text: &str, parsed: &Parsed) -> Vec<Diagnostic> {
    let mut walk = Walk { found: Vec::new() };
    parsed.module.visit_with(&mut walk);
    walk.found
        .into_iter()
        .map(|(span, name)| {
            let (start, end) = range(span);
            let message = format!(
                "Object literal may only specify known properties, and '{name}' does not exist in \
                 type 'ProxyConfiguration'."
            );
            let diagnostic = Diagnostic::at(path, text, start, end, message);
            match crate::suggest::nearest(&name, CALL.iter().copied()) {
                Some(close) => diagnostic.hint(format!("did you mean `{close}`?")),
                None => diagnostic,
            }
        })
        .collect()
}

struct Walk {
    found: Vec<(Span, String)>,
}

impl Visit for Walk {
    fn visit_call_expr(&mut self, call: &CallExpr) {
        let is_call = method_of(call).is_some_and(|method| {
            matches!(
                &*method,
                "get" | "post" | "put" | "patch" | "delete" | "proxy" | "paginate"
            )
        });
        if is_call
            && let Some(first) = call.args.first()
            && let Expr::Object(object) = &*first.expr
        {
            for prop in &object.props {
                let PropOrSpread::Prop(prop) = prop else {
                    continue;
                };
                let key = match &**prop {
                    Prop::Shorthand(ident) => Some((ident.span, ident.sym.to_string())),
                    Prop::KeyValue(pair) => match &pair.key {
                        PropName::Ident(name) => Some((name.span, name.sym.to_string())),
                        _ => None,
                    },
                    _ => None,
                };
                if let Some((span, name)) = key
                    && !CALL.contains(&&*name)
                {
                    self.found.push((span, name));
                }
            }
        }
        call.visit_children_with(self);
    }
}
