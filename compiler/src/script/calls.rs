//! Rules for calls of `nango.<method>(…)`.
//!
//! Only calls on the identifier `nango` are looked at: it is what nearly every function calls its
//! first parameter.

use std::collections::BTreeMap;

use swc_core::{
    common::Span,
    ecma::{
        ast::{
            AwaitExpr, CallExpr, Callee, Expr, KeyValueProp, Lit, MemberProp, MethodProp, Module,
            ObjectLit, Prop, PropName, PropOrSpread, ReturnStmt,
        },
        visit::{Visit, VisitWith},
    },
};

use super::line_of;
use crate::{diagnostic::Diagnostic, transform::range};

/// Methods whose promise must not be dropped.
const AWAITED: [&str; 21] = [
    "batchDelete",
    "batchSave",
    "batchSend",
    "delete",
    "deleteRecordsFromPreviousExecutions",
    "get",
    "getConnection",
    "getEnvironmentVariables",
    "getFieldMapping",
    "getMetadata",
    "log",
    "patch",
    "post",
    "proxy",
    "put",
    "setFieldMapping",
    "setMergingStrategy",
    "setMetadata",
    "trackDeletesEnd",
    "trackDeletesStart",
    "triggerAction",
];
const BATCH: [&str; 3] = ["batchSave", "batchDelete", "batchUpdate"];
const PROXY: [&str; 7] = ["proxy", "get", "post", "put", "patch", "delete", "paginate"];

/// What [`check`] found.
pub(super) struct Calls {
    pub(super) broken: Vec<Diagnostic>,
    pub(super) checkpoints: bool,
}

/// A call inside of `exec`.
struct Ordered {
    method: String,
    /// The model, where a literal names one.
    model: Option<String>,
    span: Span,
}

struct Walk<'a> {
    path: &'a str,
    text: &'a str,
    broken: Vec<Diagnostic>,
    checkpoints: bool,
    /// Enclosing `await`, `return`, and `.then`/`.catch`.
    taken: usize,
    /// Enclosing properties named `exec`.
    exec: usize,
    ordered: Vec<Ordered>,
}

pub(super) fn check(path: &str, text: &str, module: &Module, is_entry: bool) -> Calls {
    let mut walk = Walk {
        path,
        text,
        broken: Vec::new(),
        checkpoints: false,
        taken: 0,
        exec: 0,
        ordered: Vec::new(),
    };
    module.visit_with(&mut walk);
    if is_entry {
        walk.order();
    }
    walk.broken
        .sort_by_key(|broken| (broken.line, broken.column));
    Calls {
        broken: walk.broken,
        checkpoints: walk.checkpoints,
    }
}

impl Walk<'_> {
    fn note(&mut self, span: Span, message: String, hint: &str) {
        let (start, end) = range(span);
        let diagnostic = Diagnostic::at(self.path, self.text, start, end, message);
        self.broken.push(diagnostic.hint(hint));
    }

    fn method_call(&mut self, call: &CallExpr, method: &str) {
        if AWAITED.contains(&method) && self.taken == 0 {
            self.note(
                call.span,
                format!(
                    "nango.{method}() calls must be awaited in. Not awaiting can lead to \
                     unexpected results."
                ),
                "put `await` before the call",
            );
        }
        if matches!(
            method,
            "getCheckpoint" | "saveCheckpoint" | "clearCheckpoint"
        ) {
            self.checkpoints = true;
        }
        let first = call.args.first().map(|first| &*first.expr);
        if let Some(Expr::Object(options)) = first
            && has_key(options, "retryOn")
            && !has_key(options, "retries")
        {
            self.note(
                call.span,
                "Proxy call: 'retryOn' should not be used if 'retries' is not set.".to_owned(),
                "add `retries`",
            );
        }
        if self.exec > 0 {
            let at = usize::from(BATCH.contains(&method) || method == "setMergingStrategy");
            let model = call.args.get(at).and_then(|arg| match &*arg.expr {
                Expr::Lit(Lit::Str(name)) => Some(name.value.to_string_lossy().into_owned()),
                _ => None,
            });
            self.ordered.push(Ordered {
                method: method.to_owned(),
                model,
                span: call.span,
            });
        }
    }

    /// What must come before what, by lines.
    fn order(&mut self) {
        let ordered = std::mem::take(&mut self.ordered);
        let text = self.text;
        let line = |call: &Ordered| line_of(text, range(call.span).0);
        let of = |names: &[&str]| -> Vec<&Ordered> {
            ordered
                .iter()
                .filter(|call| names.contains(&&*call.method))
                .collect()
        };
        let batches = of(&BATCH);
        let proxies = of(&PROXY);
        let mut found: Vec<(Span, String)> = Vec::new();
        for merging in of(&["setMergingStrategy"]) {
            for (others, what) in [
                (&batches, "any batching records function"),
                (&proxies, "any proxy function"),
            ] {
                if others.iter().any(|other| line(other) < line(merging)) {
                    found.push((
                        merging.span,
                        format!("setMergingStrategy should be called before {what}"),
                    ));
                }
            }
        }
        let name = "deleteRecordsFromPreviousExecutions";
        let cleanups = of(&[name]);
        if let [_, again, ..] = &*cleanups {
            found.push((again.span, format!("{name} should only be called once")));
        }
        if let Some(first) = cleanups.first()
            && batches.iter().any(|batch| line(batch) > line(first))
        {
            found.push((
                first.span,
                format!("{name} should be called after any batching records function"),
            ));
        }
        found.append(&mut self.tracked(&ordered, &batches, &line));
        for (span, message) in found {
            self.note(span, message, "");
            if let Some(last) = self.broken.last_mut() {
                last.hint = None;
                // The position of these rules is one line too far down, which clients know.
                last.line += 1;
            }
        }
    }

    /// `trackDeletesStart` and `trackDeletesEnd`, for each model that a literal names.
    fn tracked(
        &self,
        ordered: &[Ordered],
        batches: &[&Ordered],
        line: &dyn Fn(&Ordered) -> u32,
    ) -> Vec<(Span, String)> {
        let mut models: BTreeMap<&str, (Vec<&Ordered>, Vec<&Ordered>)> = BTreeMap::new();
        for call in ordered {
            let Some(model) = &call.model else { continue };
            match &*call.method {
                "trackDeletesStart" => models.entry(model).or_default().0.push(call),
                "trackDeletesEnd" => models.entry(model).or_default().1.push(call),
                _ => {}
            }
        }
        let mut found = Vec::new();
        for (model, (starts, ends)) in models {
            let mut note = |call: &Ordered, what: &str| {
                let method = &call.method;
                found.push((call.span, format!("{method} for model '{model}' {what}")));
            };
            for calls in [&starts, &ends] {
                if let [_, again, ..] = &**calls {
                    note(again, "should be called only once");
                }
            }
            match (starts.first(), ends.first()) {
                (Some(start), None) => note(start, "is called but trackDeletesEnd is never called"),
                (None, Some(end)) => note(end, "is called but trackDeletesStart is never called"),
                (Some(start), Some(end)) => {
                    if line(end) < line(start) {
                        note(start, "should be called before trackDeletesEnd");
                    }
                    let of_model = |batch: &&&Ordered| {
                        batch.model.as_deref().is_none_or(|named| named == model)
                    };
                    let mut batches = batches.iter().filter(of_model);
                    if batches.clone().any(|batch| line(batch) < line(start)) {
                        note(
                            start,
                            "should be called before any batching records function",
                        );
                    }
                    if batches.any(|batch| line(batch) > line(end)) {
                        note(end, "should be called after any batching records function");
                    }
                }
                (None, None) => {}
            }
        }
        found
    }
}

fn has_key(object: &ObjectLit, name: &str) -> bool {
    object.props.iter().any(|prop| match prop {
        PropOrSpread::Prop(prop) => match &**prop {
            Prop::Shorthand(ident) => ident.sym == name,
            Prop::KeyValue(pair) => key_is(&pair.key, name),
            Prop::Getter(getter) => key_is(&getter.key, name),
            _ => false,
        },
        // It may bring the key along.
        PropOrSpread::Spread(_) => name == "retries",
    })
}

fn key_is(key: &PropName, name: &str) -> bool {
    match key {
        PropName::Ident(ident) => ident.sym == name,
        PropName::Str(text) => text.value.to_string_lossy() == name,
        _ => false,
    }
}

/// The method, when this is a call of `nango.<method>(…)`.
pub(super) fn method_of(call: &CallExpr) -> Option<String> {
    let Callee::Expr(callee) = &call.callee else {
        return None;
    };
    let Expr::Member(member) = &**callee else {
        return None;
    };
    match (&*member.obj, &member.prop) {
        (Expr::Ident(object), MemberProp::Ident(name)) if object.sym == "nango" => {
            Some(name.sym.to_string())
        }
        _ => None,
    }
}

impl Visit for Walk<'_> {
    fn visit_call_expr(&mut self, call: &CallExpr) {
        if let Some(method) = method_of(call) {
            self.method_call(call, &method);
        }
        if let Callee::Expr(callee) = &call.callee
            && let Expr::Member(member) = &**callee
            && let MemberProp::Ident(name) = &member.prop
            && matches!(&*name.sym, "then" | "catch")
        {
            self.taken += 1;
            member.obj.visit_with(self);
            self.taken -= 1;
            call.args.visit_with(self);
            return;
        }
        call.visit_children_with(self);
    }

    fn visit_await_expr(&mut self, expr: &AwaitExpr) {
        self.taken += 1;
        expr.visit_children_with(self);
        self.taken -= 1;
    }

    fn visit_return_stmt(&mut self, statement: &ReturnStmt) {
        self.taken += 1;
        statement.visit_children_with(self);
        self.taken -= 1;
    }

    fn visit_key_value_prop(&mut self, pair: &KeyValueProp) {
        let is_exec = usize::from(key_is(&pair.key, "exec"));
        self.exec += is_exec;
        pair.visit_children_with(self);
        self.exec -= is_exec;
    }

    fn visit_method_prop(&mut self, method: &MethodProp) {
        let is_exec = usize::from(key_is(&method.key, "exec"));
        self.exec += is_exec;
        method.visit_children_with(self);
        self.exec -= is_exec;
    }
}
