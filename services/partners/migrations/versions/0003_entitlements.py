"""entitlements."""

from alembic import op
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('agreement_in_force',
    sa.Column('agreement', sa.Uuid(as_uuid=False), nullable=False),
    sa.Column('lines', sa.ARRAY(sa.Text()), nullable=False),
    sa.Column('visibility', sa.Text(), nullable=False),
    sa.Column('parties', sa.ARRAY(sa.Uuid(as_uuid=False)), nullable=False),
    sa.ForeignKeyConstraint(['agreement'], ['agreement.id'], name=op.f('fk_agreement_in_force_agreement_agreement')),
    sa.PrimaryKeyConstraint('agreement', name=op.f('pk_agreement_in_force'))
    )
    op.create_table('bound_party',
    sa.Column('agreement', sa.Uuid(as_uuid=False), nullable=False),
    sa.Column('partner', sa.Uuid(as_uuid=False), nullable=False),
    sa.ForeignKeyConstraint(['agreement'], ['agreement_in_force.agreement'], name=op.f('fk_bound_party_agreement_agreement_in_force')),
    sa.PrimaryKeyConstraint('agreement', 'partner', name=op.f('pk_bound_party'))
    )
    op.create_index('ix_bound_party_partner', 'bound_party', ['partner', 'agreement'], unique=False)
    op.create_table('tie',
    sa.Column('membership', sa.Uuid(as_uuid=False), nullable=False),
    sa.Column('member', sa.Uuid(as_uuid=False), nullable=False),
    sa.Column('network', sa.Uuid(as_uuid=False), nullable=False),
    sa.Column('by_choice', sa.Boolean(), nullable=False),
    sa.ForeignKeyConstraint(['membership'], ['membership.id'], name=op.f('fk_tie_membership_membership')),
    sa.PrimaryKeyConstraint('membership', name=op.f('pk_tie'))
    )
    op.create_index(op.f('ix_tie_member'), 'tie', ['member'], unique=False)
    op.create_index(op.f('ix_tie_network'), 'tie', ['network'], unique=False)
    op.create_table('agreement_choice',
    sa.Column('membership', sa.Uuid(as_uuid=False), nullable=False),
    sa.Column('agreement', sa.Uuid(as_uuid=False), nullable=False),
    sa.Column('taken', sa.Boolean(), nullable=False),
    sa.Column('chosen_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['membership'], ['membership.id'], name=op.f('fk_agreement_choice_membership_membership')),
    sa.ForeignKeyConstraint(['agreement'], ['agreement.id'], name=op.f('fk_agreement_choice_agreement_agreement')),
    sa.PrimaryKeyConstraint('membership', 'agreement', name=op.f('pk_agreement_choice'))
    )
    op.create_table('entitlement',
    sa.Column('partner', sa.Uuid(as_uuid=False), nullable=False),
    sa.Column('agreement', sa.Uuid(as_uuid=False), nullable=False),
    sa.Column('lines', sa.ARRAY(sa.Text()), nullable=False),
    sa.Column('party', sa.Uuid(as_uuid=False), nullable=False),
    sa.Column('path', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('since', sa.DateTime(timezone=True), nullable=False),
    sa.Column('held', sa.Boolean(), nullable=False),
    sa.Column('id', sa.Uuid(as_uuid=False), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('sequence', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['partner'], ['partner.id'], name=op.f('fk_entitlement_partner_partner')),
    sa.ForeignKeyConstraint(['agreement'], ['agreement.id'], name=op.f('fk_entitlement_agreement_agreement')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_entitlement'))
    )
    op.create_index('uq_entitlement_partner_agreement', 'entitlement', ['partner', 'agreement'], unique=True)
    op.create_index('ix_entitlement_agreement', 'entitlement', ['agreement', 'partner'], unique=False)
    # Memberships and agreements that are older than this: the worker sees to each once, in a transaction of its own.
    op.execute(
        "INSERT INTO due (kind, subject, due_at) SELECT 'membership.day', 'membership/' || id, recorded_at FROM membership "
        "WHERE valid_to IS NULL OR valid_to >= current_date - 1"
    )
    op.execute("INSERT INTO due (kind, subject, due_at) SELECT 'agreement.entitles', 'agreement/' || id, changed_at FROM agreement WHERE state = 'in_force'")
