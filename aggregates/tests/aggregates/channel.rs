use aggregates::channel::{LONGEST, intersect, is_name, is_pattern, matches};

#[test]
fn patterns() {
    for valid in [
        "a", "a.b", "a.b.c.d", "*", "a.*", "a.b.*", "-", "ä.*", "a.", ".a", "a b",
    ] {
        assert!(is_pattern(valid), "{valid}");
    }
    for invalid in [
        "", ".*", "*.x", "a.*.b", "a.b.c.*", "a*", "**", "*.*", "a..*", ".a.*", "a,b", "a/b",
        "a\\b", "a:b", "a\nb", "a\u{0}",
    ] {
        assert!(!is_pattern(invalid), "{invalid:?}");
    }
    let longest = "ä".repeat(LONGEST);
    assert!(is_pattern(&longest));
    assert!(is_name(&longest));
    assert!(!is_pattern(&format!("{longest}x")));
    assert!(is_pattern(&format!("{}.*", "ä".repeat(LONGEST - 2))));
    assert!(!is_pattern(&format!("{}.*", "ä".repeat(LONGEST - 1))));
}

#[test]
fn names() {
    assert!(is_name("chat.room"));
    for invalid in ["", "*", "chat.*", "a,b", "a/b", "a:b"] {
        assert!(!is_name(invalid), "{invalid}");
    }
}

/// The asterisk stands for one segment that is not empty; alone, for all.
#[test]
fn a_pattern_means_channels() {
    for (pattern, channel, meant) in [
        ("foo.*", "foo.bar", true),
        ("a.*", "a.b", true),
        ("a.*", "a", false),
        ("a.*", "a.", false),
        ("a.*", "a.b.c", false),
        ("a.*", "ab.c", false),
        ("a.b.*", "a.b.c", true),
        ("a.b.*", "a.b", false),
        ("a.b.*", "a.b.c.d", false),
        ("a", "a", true),
        ("a", "A", false),
        ("a", "a.b", false),
        ("*", "a", true),
        ("*", "a.b.c.d", true),
    ] {
        assert_eq!(matches(pattern, channel), meant, "{pattern} and {channel}");
    }
}

#[test]
fn patterns_intersect_when_a_channel_is_meant_by_both() {
    for (one, other, meet) in [
        ("chat.room", "chat.room", true),
        ("chat.room", "chat.*", true),
        ("chat.*", "chat.*", true),
        ("chat.*", "chat.room.*", false),
        ("chat.room.x", "chat.*", false),
        ("*", "chat.room.*", true),
        ("*", "*", true),
        ("chat.a", "chat.b", false),
        ("chat.*", "talk.*", false),
    ] {
        assert_eq!(intersect(one, other), meet, "{one} and {other}");
        assert_eq!(intersect(other, one), meet, "{other} and {one}");
    }
    // Against every channel that there could be.
    let patterns = [
        "*", "a", "b", "a.b", "a.*", "b.*", "a.b.*", "a.a.*", "a.b.a",
    ];
    let segments = ["a", "b", "c"];
    let mut channels: Vec<String> = segments.map(str::to_owned).to_vec();
    for depth in 0..3 {
        let longer: Vec<String> = channels
            .iter()
            .filter(|channel| channel.split('.').count() == depth + 1)
            .flat_map(|channel| segments.map(|segment| format!("{channel}.{segment}")))
            .collect();
        channels.extend(longer);
    }
    for one in patterns {
        for other in patterns {
            let mut channels = channels.iter();
            let common = channels.any(|channel| matches(one, channel) && matches(other, channel));
            assert_eq!(intersect(one, other), common, "{one} and {other}");
        }
    }
}
