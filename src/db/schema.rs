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
        provider_session_id -> Nullable<Uuid>,
        second_factor_at -> Nullable<Timestamptz>,
        passkey_at -> Nullable<Timestamptz>,
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
        provider_session_id -> Nullable<Uuid>,
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
        host -> Text,
    }
}

diesel::table! {
    hand_overs (code_digest) {
        code_digest -> Binary,
        session_id -> Uuid,
        host -> Text,
        binding_digest -> Binary,
        return_to -> Text,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
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

diesel::table! {
    connections (id) {
        id -> Uuid,
        organization_id -> Uuid,
        kind -> Text,
        name -> Text,
        idp_entity_id -> Text,
        sso_url -> Text,
        sso_binding -> Text,
        slo_url -> Nullable<Text>,
        slo_binding -> Nullable<Text>,
        slo_answer_url -> Nullable<Text>,
        metadata_from -> Text,
        metadata_url -> Nullable<Text>,
        metadata_at -> Nullable<Timestamptz>,
        metadata_error -> Nullable<Text>,
        metadata_due -> Nullable<Timestamptz>,
        email_attribute -> Nullable<Text>,
        name_attribute -> Nullable<Text>,
        groups_attribute -> Nullable<Text>,
        default_role -> Nullable<Text>,
        sign_requests -> Bool,
        allow_idp_initiated -> Bool,
        enforced_from -> Nullable<Timestamptz>,
        enforcement_told_at -> Nullable<Timestamptz>,
        enforcement_done_at -> Nullable<Timestamptz>,
        tested_at -> Nullable<Timestamptz>,
        tested_by -> Nullable<Uuid>,
        created_at -> Timestamptz,
        changed_at -> Timestamptz,
    }
}

diesel::table! {
    connection_certificates (connection_id, sha256) {
        connection_id -> Uuid,
        sha256 -> Binary,
        der -> Binary,
        subject -> Text,
        not_before -> Timestamptz,
        not_after -> Timestamptz,
        added_at -> Timestamptz,
        warned_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    connection_keys (id) {
        id -> Uuid,
        connection_id -> Uuid,
        sealed_key -> Binary,
        certificate -> Binary,
        signs -> Bool,
        created_at -> Timestamptz,
        not_after -> Timestamptz,
    }
}

diesel::table! {
    connection_roles (connection_id, idp_group) {
        connection_id -> Uuid,
        idp_group -> Text,
        role -> Text,
    }
}

diesel::table! {
    connection_groups (connection_id, idp_group, group_id) {
        connection_id -> Uuid,
        idp_group -> Text,
        group_id -> Uuid,
    }
}

diesel::table! {
    break_glass (connection_id, user_id) {
        connection_id -> Uuid,
        user_id -> Uuid,
        named_at -> Timestamptz,
    }
}

diesel::table! {
    domains (id) {
        id -> Uuid,
        organization_id -> Uuid,
        name -> Text,
        token -> Text,
        connection_id -> Nullable<Uuid>,
        proved_at -> Nullable<Timestamptz>,
        proved_by -> Nullable<Text>,
        checked_at -> Nullable<Timestamptz>,
        check_due -> Nullable<Timestamptz>,
        check_error -> Nullable<Text>,
        missing_since -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    identities (connection_id, name_id) {
        connection_id -> Uuid,
        name_id -> Text,
        name_id_format -> Nullable<Text>,
        user_id -> Uuid,
        linked_at -> Timestamptz,
        last_seen_at -> Timestamptz,
    }
}

diesel::table! {
    provider_sessions (id) {
        id -> Uuid,
        connection_id -> Uuid,
        user_id -> Uuid,
        name_id -> Text,
        name_id_format -> Nullable<Text>,
        session_index -> Nullable<Text>,
        authn_instant -> Timestamptz,
        authn_context -> Nullable<Text>,
        ends_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    saml_requests (id) {
        id -> Text,
        connection_id -> Uuid,
        browser -> Binary,
        relay_state -> Binary,
        purpose -> Text,
        session_id -> Nullable<Uuid>,
        user_id -> Nullable<Uuid>,
        replaces -> Nullable<Uuid>,
        known_by -> Nullable<Binary>,
        return_to -> Nullable<Text>,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
    }
}

diesel::table! {
    saml_answers (connection_id, digest) {
        connection_id -> Uuid,
        digest -> Binary,
        expires_at -> Timestamptz,
    }
}

diesel::table! {
    saml_reports (id) {
        id -> Uuid,
        connection_id -> Uuid,
        reference -> Text,
        purpose -> Text,
        user_id -> Nullable<Uuid>,
        sealed_report -> Binary,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
    }
}

diesel::table! {
    pending_identities (browser, connection_id) {
        browser -> Binary,
        connection_id -> Uuid,
        name_id -> Text,
        name_id_format -> Nullable<Text>,
        email -> Nullable<Text>,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
    }
}

diesel::table! {
    signing_keys (number) {
        number -> Integer,
        kid -> Text,
        public_key -> Binary,
        sealed_key -> Binary,
        created_at -> Timestamptz,
        signs_at -> Timestamptz,
    }
}

diesel::table! {
    gate_decisions (id) {
        id -> BigInt,
        at -> Timestamptz,
        request_id -> Text,
        share -> Double,
        method -> Text,
        scheme -> Text,
        host -> Text,
        port -> Integer,
        path -> Text,
        client -> Inet,
        who -> Text,
        user_id -> Nullable<Uuid>,
        email -> Nullable<Text>,
        groups -> Array<Text>,
        last_auth_at -> Nullable<Timestamptz>,
        second_factor_at -> Nullable<Timestamptz>,
        passkey_at -> Nullable<Timestamptz>,
        key -> Text,
        decision -> Text,
        reason -> Text,
        rule -> Nullable<Integer>,
        rule_name -> Nullable<Text>,
        rules -> Binary,
    }
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
diesel::joinable!(connections -> organizations (organization_id));
diesel::joinable!(connection_certificates -> connections (connection_id));
diesel::joinable!(connection_keys -> connections (connection_id));
diesel::joinable!(connection_roles -> connections (connection_id));
diesel::joinable!(connection_groups -> connections (connection_id));
diesel::joinable!(connection_groups -> groups (group_id));
diesel::joinable!(break_glass -> connections (connection_id));
diesel::joinable!(break_glass -> users (user_id));
diesel::joinable!(domains -> organizations (organization_id));
diesel::joinable!(domains -> connections (connection_id));
diesel::joinable!(identities -> connections (connection_id));
diesel::joinable!(identities -> users (user_id));
diesel::joinable!(provider_sessions -> connections (connection_id));
diesel::joinable!(provider_sessions -> users (user_id));
diesel::joinable!(sessions -> provider_sessions (provider_session_id));
diesel::joinable!(saml_requests -> connections (connection_id));
diesel::joinable!(pending_sign_ins -> provider_sessions (provider_session_id));
diesel::allow_tables_to_appear_in_same_query!(
    users,
    sessions,
    gate_tokens,
    hand_overs,
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
    webhook_deliveries,
    connections,
    connection_certificates,
    connection_keys,
    connection_roles,
    connection_groups,
    break_glass,
    domains,
    identities,
    provider_sessions,
    pending_sign_ins,
    saml_requests,
    saml_answers,
    saml_reports,
    pending_identities
);
