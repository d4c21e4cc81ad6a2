//! The tables, as diesel sees them. `migrations/` is where they are made and explained.

diesel::table! {
    users (id) {
        id -> Uuid,
        email -> Text,
        email_key -> Text,
        email_verified_at -> Nullable<Timestamptz>,
        name -> Text,
        password_hash -> Nullable<Text>,
        created_at -> Timestamptz,
        disabled_at -> Nullable<Timestamptz>,
        is_admin -> Bool,
        deletion_asked_at -> Nullable<Timestamptz>,
        deletes_at -> Nullable<Timestamptz>,
        came_by -> Text,
    }
}

diesel::table! {
    email_verifications (digest) {
        digest -> Binary,
        user_id -> Uuid,
        email_key -> Text,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
        browser_digest -> Nullable<Binary>,
        password_hash -> Nullable<Text>,
        name -> Nullable<Text>,
    }
}

diesel::table! {
    letter_requests (id) {
        id -> Uuid,
        email -> Text,
        wish -> Text,
        browser_digest -> Nullable<Binary>,
        actor_id -> Nullable<Uuid>,
        session_id -> Nullable<Uuid>,
        address -> Nullable<Inet>,
        user_agent -> Nullable<Text>,
        request_id -> Text,
    }
}

diesel::table! {
    restore_links (digest) {
        digest -> Binary,
        user_id -> Uuid,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    password_resets (digest) {
        digest -> Binary,
        user_id -> Uuid,
        email_key -> Text,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
    }
}

diesel::table! {
    magic_links (browser_digest) {
        browser_digest -> Binary,
        remember -> Bool,
        address -> Nullable<Inet>,
        user_agent -> Nullable<Text>,
        asked_at -> Timestamptz,
        expires_at -> Timestamptz,
        attempts -> Integer,
        user_id -> Nullable<Uuid>,
        email_key -> Nullable<Text>,
        token_digest -> Nullable<Binary>,
        code_digest -> Nullable<Binary>,
    }
}

diesel::table! {
    email_undos (digest) {
        digest -> Binary,
        number -> BigInt,
        user_id -> Uuid,
        email -> Text,
        email_key -> Text,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
    }
}

diesel::table! {
    setup_links (is_latest) {
        is_latest -> Bool,
        digest -> Binary,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
    }
}

diesel::table! {
    sessions (id) {
        id -> Uuid,
        user_id -> Uuid,
        token_digest -> Binary,
        remember -> Bool,
        address -> Nullable<Inet>,
        user_agent -> Nullable<Text>,
        created_at -> Timestamptz,
        last_active_at -> Timestamptz,
        last_auth_at -> Timestamptz,
        expires_at -> Timestamptz,
        methods -> Array<Text>,
        device_id -> Uuid,
        rotation_due -> Bool,
        confirmed_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    pending_sign_ins (token_digest) {
        token_digest -> Binary,
        user_id -> Uuid,
        method -> Text,
        remember -> Bool,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
        attempts -> Integer,
    }
}

diesel::table! {
    totp_factors (user_id) {
        user_id -> Uuid,
        sealed_secret -> Binary,
        created_at -> Timestamptz,
        enabled_at -> Nullable<Timestamptz>,
        last_step -> BigInt,
    }
}

diesel::table! {
    recovery_codes (user_id, digest) {
        user_id -> Uuid,
        digest -> Binary,
        created_at -> Timestamptz,
        used_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    passkeys (id) {
        id -> Uuid,
        user_id -> Uuid,
        credential_id -> Binary,
        credential -> Jsonb,
        name -> Text,
        backed_up -> Bool,
        created_at -> Timestamptz,
        last_used_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    passkey_ceremonies (digest) {
        digest -> Binary,
        purpose -> Text,
        asker -> Binary,
        user_id -> Nullable<Uuid>,
        state -> Jsonb,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
    }
}

diesel::table! {
    ended_sessions (token_digest) {
        token_digest -> Binary,
        user_id -> Uuid,
        reason -> Text,
        ended_at -> Timestamptz,
    }
}

diesel::table! {
    known_devices (id) {
        id -> Uuid,
        token_digest -> Binary,
        user_id -> Uuid,
        device_id -> Uuid,
        created_at -> Timestamptz,
        last_seen_at -> Timestamptz,
    }
}

diesel::table! {
    places (user_id, network) {
        user_id -> Uuid,
        network -> Inet,
        first_seen_at -> Timestamptz,
        last_seen_at -> Timestamptz,
    }
}

diesel::table! {
    not_me_links (digest) {
        digest -> Binary,
        user_id -> Uuid,
        device_id -> Uuid,
        address -> Inet,
        browser -> Nullable<Text>,
        email_key -> Nullable<Text>,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
    }
}

diesel::table! {
    gate_tokens (digest) {
        digest -> Binary,
        session_id -> Uuid,
        domain -> Text,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    api_keys (id) {
        id -> Uuid,
        user_id -> Uuid,
        digest -> Binary,
        hint -> Text,
        name -> Text,
        scopes -> Array<Text>,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
        last_used_at -> Nullable<Timestamptz>,
        last_used_from -> Nullable<Inet>,
    }
}

diesel::table! {
    mail_outbox (id) {
        id -> Uuid,
        recipient -> Text,
        user_id -> Nullable<Uuid>,
        letter -> Text,
        details -> Jsonb,
        sealed -> Nullable<Binary>,
        created_at -> Timestamptz,
        attempts -> Integer,
        next_attempt_at -> Timestamptz,
        leased_until -> Nullable<Timestamptz>,
        give_up_after -> Nullable<Timestamptz>,
        sent_at -> Nullable<Timestamptz>,
        gave_up_at -> Nullable<Timestamptz>,
        last_error -> Nullable<Text>,
    }
}

diesel::table! {
    throttles (scope, subject) {
        scope -> Text,
        subject -> Binary,
        attempts -> Integer,
        last_attempt_at -> Timestamptz,
        waits_until -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    audit_events (id) {
        id -> Uuid,
        at -> Timestamptz,
        kind -> Text,
        actor_id -> Nullable<Uuid>,
        subject_id -> Nullable<Uuid>,
        session_id -> Nullable<Uuid>,
        address -> Nullable<Inet>,
        user_agent -> Nullable<Text>,
        request_id -> Text,
        details -> Jsonb,
        organization_id -> Nullable<Uuid>,
        hand -> Text,
    }
}

diesel::table! {
    organizations (id) {
        id -> Uuid,
        slug -> Text,
        name -> Text,
        created_at -> Timestamptz,
        second_factor_from -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    organization_slugs (slug) {
        slug -> Text,
        taken_at -> Timestamptz,
    }
}

diesel::table! {
    members (organization_id, user_id) {
        organization_id -> Uuid,
        user_id -> Uuid,
        role -> Text,
        joined_at -> Timestamptz,
    }
}

diesel::table! {
    groups (id) {
        id -> Uuid,
        organization_id -> Uuid,
        name -> Text,
        name_key -> Text,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    group_members (group_id, user_id) {
        group_id -> Uuid,
        organization_id -> Uuid,
        user_id -> Uuid,
        added_at -> Timestamptz,
    }
}

diesel::table! {
    invitations (id) {
        id -> Uuid,
        organization_id -> Uuid,
        email -> Text,
        email_key -> Text,
        role -> Text,
        digest -> Binary,
        invited_by -> Nullable<Uuid>,
        created_at -> Timestamptz,
        sent_at -> Timestamptz,
        expires_at -> Timestamptz,
    }
}

diesel::table! {
    jobs (name) {
        name -> Text,
        last_started_at -> Timestamptz,
        last_finished_at -> Timestamptz,
        last_milliseconds -> BigInt,
        last_done -> BigInt,
        last_succeeded_at -> Nullable<Timestamptz>,
        last_failed_at -> Nullable<Timestamptz>,
        last_error -> Nullable<Text>,
        runs -> BigInt,
        failures -> BigInt,
        done -> BigInt,
    }
}

diesel::table! {
    webhooks (id) {
        id -> Uuid,
        organization_id -> Nullable<Uuid>,
        url -> Text,
        kinds -> Array<Text>,
        secret -> Binary,
        old_secret -> Nullable<Binary>,
        old_secret_until -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        created_by -> Nullable<Uuid>,
        failures -> Integer,
        failing_since -> Nullable<Timestamptz>,
        disabled_at -> Nullable<Timestamptz>,
        disabled_why -> Nullable<Text>,
    }
}

diesel::table! {
    webhook_deliveries (id) {
        id -> Uuid,
        webhook_id -> Uuid,
        event_id -> Uuid,
        kind -> Text,
        at -> Timestamptz,
        subject_id -> Nullable<Uuid>,
        attempts -> Integer,
        next_attempt_at -> Timestamptz,
        leased_until -> Nullable<Timestamptz>,
        give_up_after -> Nullable<Timestamptz>,
        delivered_at -> Nullable<Timestamptz>,
        gave_up_at -> Nullable<Timestamptz>,
        last_attempt_at -> Nullable<Timestamptz>,
        last_status -> Nullable<Integer>,
        last_error -> Nullable<Text>,
    }
}

diesel::define_sql_function! {
    /// From when on a person has to have a second factor who has none; NULL for whoever has one, or needs none.
    fn second_factor_due(
        person: diesel::sql_types::Uuid,
    ) -> diesel::sql_types::Nullable<diesel::sql_types::Timestamptz>;
}

diesel::joinable!(gate_tokens -> sessions (session_id));
diesel::joinable!(sessions -> users (user_id));
diesel::joinable!(ended_sessions -> users (user_id));
diesel::joinable!(known_devices -> users (user_id));
diesel::joinable!(places -> users (user_id));
diesel::joinable!(email_verifications -> users (user_id));
diesel::joinable!(magic_links -> users (user_id));
diesel::joinable!(password_resets -> users (user_id));
diesel::joinable!(email_undos -> users (user_id));
diesel::joinable!(restore_links -> users (user_id));
diesel::joinable!(api_keys -> users (user_id));
diesel::joinable!(members -> users (user_id));
diesel::joinable!(members -> organizations (organization_id));
diesel::joinable!(groups -> organizations (organization_id));
diesel::joinable!(group_members -> groups (group_id));
diesel::joinable!(invitations -> organizations (organization_id));
diesel::joinable!(webhooks -> organizations (organization_id));
diesel::joinable!(webhook_deliveries -> webhooks (webhook_id));
diesel::allow_tables_to_appear_in_same_query!(
    users,
    sessions,
    gate_tokens,
    ended_sessions,
    known_devices,
    places,
    email_verifications,
    magic_links,
    password_resets,
    email_undos,
    restore_links,
    api_keys,
    organizations,
    members,
    groups,
    group_members,
    invitations,
    webhooks,
    webhook_deliveries
);
