"""Every tenant has an agent, and tools are granted to agents: before, tenants had instructions and channels tools."""

import django.db.models.deletion
from django.db import migrations, models


def give_agents(apps, schema_editor):
    """A channel that had tools of its own gets an agent of its own."""
    Tenant, Agent, Channel, ToolGrant = nouns(apps)
    for tenant in Tenant.objects.all():
        words = {'tenant': tenant, 'instructions': tenant.instructions, 'providers': tenant.providers}
        tenant.default_agent = Agent.objects.create(**words)
        tenant.save(update_fields=['default_agent'])
        own = Channel.objects.filter(tenant=tenant, tool_grants__isnull=False).distinct()
        for channel in own.order_by('pk'):
            slug = channel.slug if channel.slug != 'assistant' else 'assistant-of-channel'
            channel.agent = Agent.objects.create(slug=slug, name=channel.name, **words)
            channel.save(update_fields=['agent'])
            ToolGrant.objects.filter(channel=channel).update(agent=channel.agent)
    settle(schema_editor)


def take_agents_back(apps, schema_editor):
    """The default's words become the tenant's; a grant of one agent becomes one of each channel it answers on."""
    Tenant, Agent, Channel, ToolGrant = nouns(apps)
    for tenant in Tenant.objects.exclude(default_agent=None).select_related('default_agent'):
        tenant.instructions = tenant.default_agent.instructions
        tenant.providers = tenant.default_agent.providers
        tenant.save(update_fields=['instructions', 'providers'])
    for grant in ToolGrant.objects.exclude(agent=None).select_related('tenant'):
        answers = models.Q(agent=grant.agent_id)
        if grant.agent_id == grant.tenant.default_agent_id:
            answers |= models.Q(agent=None)
        for channel in Channel.objects.filter(answers, tenant=grant.tenant):
            ToolGrant.objects.create(
                tenant=grant.tenant,
                channel=channel,
                tool=grant.tool,
                confirmation=grant.confirmation,
                is_active=grant.is_active,
                note=grant.note,
            )
        grant.delete()
    settle(schema_editor)


def nouns(apps):
    return [apps.get_model('khronos', name) for name in ('Tenant', 'Agent', 'Channel', 'ToolGrant')]


def settle(schema_editor):
    """PostgreSQL alters no table whose rows still wait for their constraints to be checked."""
    if schema_editor.connection.vendor == 'postgresql':
        schema_editor.execute('SET CONSTRAINTS ALL IMMEDIATE')


class Migration(migrations.Migration):

    dependencies = [
        ('khronos', '0017_a_copy_replaced'),
    ]

    operations = [
        migrations.CreateModel(
            name='Agent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='agents', to='khronos.tenant', verbose_name='tenant')),
                ('slug', models.SlugField(default='assistant', verbose_name='slug')),
                ('name', models.CharField(default='Assistant', max_length=200, verbose_name='name')),
                ('instructions', models.TextField(blank=True, help_text='What the assistant is told about itself and its work.', verbose_name='instructions')),
                ('providers', models.JSONField(blank=True, default=list, help_text='Order of model providers; empty: the default.', verbose_name='providers')),
                ('model_by_provider', models.JSONField(blank=True, default=dict, help_text='What is not here is as the environment says.', verbose_name='models')),
                ('language', models.CharField(blank=True, choices=[('', 'that of the contact'), ('en', 'English'), ('pt', 'Portuguese')], default='', max_length=2, verbose_name='language')),
                ('is_active', models.BooleanField(default=True, help_text="Switched off, the tenant's default answers in its place.", verbose_name='active')),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='created')),
            ],
            options={
                'verbose_name': 'agent',
                'verbose_name_plural': 'agents',
                'constraints': [models.UniqueConstraint(fields=('tenant', 'slug'), name='agent_once_per_tenant')],
            },
        ),
        migrations.AddField(
            model_name='channel',
            name='agent',
            field=models.ForeignKey(blank=True, help_text="Who answers here; empty: the tenant's default.", null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='channels', to='khronos.agent', verbose_name='agent'),
        ),
        migrations.AddField(
            model_name='tenant',
            name='default_agent',
            field=models.ForeignKey(blank=True, editable=False, help_text='Answers on every channel that names no other.', null=True, on_delete=django.db.models.deletion.RESTRICT, related_name='+', to='khronos.agent', verbose_name='default agent'),
        ),
        migrations.AddField(
            model_name='toolgrant',
            name='agent',
            field=models.ForeignKey(blank=True, help_text='This one alone; empty: all agents of the tenant.', null=True, on_delete=django.db.models.deletion.CASCADE, related_name='tool_grants', to='khronos.agent', verbose_name='agent'),
        ),
        migrations.RemoveConstraint(
            model_name='toolgrant',
            name='granted_once_to_a_channel',
        ),
        migrations.RemoveConstraint(
            model_name='toolgrant',
            name='granted_once_to_a_tenant',
        ),
        migrations.RunPython(give_agents, take_agents_back),
        migrations.AddConstraint(
            model_name='toolgrant',
            constraint=models.UniqueConstraint(fields=('tenant', 'agent', 'tool'), name='granted_once_to_an_agent'),
        ),
        migrations.AddConstraint(
            model_name='toolgrant',
            constraint=models.UniqueConstraint(condition=models.Q(('agent', None)), fields=('tenant', 'tool'), name='granted_once_to_all_agents'),
        ),
        migrations.RemoveField(
            model_name='toolgrant',
            name='channel',
        ),
        migrations.RemoveField(
            model_name='tenant',
            name='instructions',
        ),
        migrations.RemoveField(
            model_name='tenant',
            name='providers',
        ),
    ]
