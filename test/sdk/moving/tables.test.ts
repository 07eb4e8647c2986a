// Tables of browsers and password managers, and archives of tables, written by their public descriptions.
import { strToU8, zipSync } from 'fflate'
import { describe, expect, it } from 'vitest'
import { fileOfBytes, readerOf, readIncoming } from '../../../src/sdk/moving/index.ts'
import { fileOfText } from '../../support/moving.ts'

const cases: [format: string, text: string, contents: object[]][] = [
  [
    'chrome-csv',
    'name,url,username,password,note\nA,https://a.example/x,ada,"p,""q",line 1\n,https://b.example/,b,c,\n',
    [
      { name: 'A', urls: ['https://a.example/x'], username: 'ada', password: 'p,"q', notes: 'line 1' },
      { name: 'b.example', username: 'b', password: 'c' },
    ],
  ],
  [
    'firefox-csv',
    '"url","username","password","httpRealm","formActionOrigin","guid","timeCreated","timeLastUsed","timePasswordChanged"\n"https://a.example","ada","p","Realm","https://a.example","{g}","1","2","3"\n',
    [{ name: 'a.example', password: 'p', fields: [{ name: 'httpRealm', value: 'Realm', hidden: true }] }],
  ],
  [
    'apple-passwords-csv',
    'Title,URL,Username,Password,Notes,OTPAuth\nA (ada),https://a.example/,ada,p,n,otpauth://totp/a?secret=X\n',
    [{ name: 'A (ada)', notes: 'n', totp: 'otpauth://totp/a?secret=X' }],
  ],
  [
    'bitwarden-csv',
    'folder,favorite,type,name,notes,fields,reprompt,login_uri,login_username,login_password,login_totp\nWork,1,login,A,n,"PIN: 1\nb: c: d",0,"https://a.example,https://b.example/?x=1,2",ada,p,T\n,,note,N,text,,0,,,,\n',
    [
      {
        kind: 'login',
        folder: 'Work',
        favourite: true,
        urls: ['https://a.example', 'https://b.example/?x=1,2'],
        fields: [
          { name: 'PIN', value: '1', hidden: true },
          { name: 'b', value: 'c: d', hidden: true },
        ],
      },
      { kind: 'note', name: 'N', notes: 'text' },
    ],
  ],
  [
    'lastpass-csv',
    'url,username,password,totp,extra,name,grouping,fav\nhttps://a.example,ada,p,T,n,A,Work\\Web,1\nhttp://sn,,,,"NoteType:Credit Card\nLanguage:en-US\nName on Card:Ada\nType:Visa\nNumber:4111 1111\nSecurity Code:123\nStart Date:,\nExpiration Date:April,2031\nNotes:two\nlines",Card,,0\nhttp://sn,,,,just text,Note,,0\nhttp://sn,,,,"NoteType:SSH Key\nBit Strength:4096\nPrivate Key:-----BEGIN KEY-----\nProc-Type: 4\nAAAA\n-----END KEY-----\nPublic Key:ssh-rsa AAAA\nNotes:",Key,,0\n',
    [
      { kind: 'login', folder: 'Work/Web', favourite: true, notes: 'n', totp: 'T' },
      {
        kind: 'card',
        holder: 'Ada',
        brand: 'Visa',
        number: '41111111',
        code: '123',
        expiry: '2031-04',
        notes: 'two\nlines',
      },
      { kind: 'note', name: 'Note', notes: 'just text' },
      {
        kind: 'ssh-key',
        privateKey: '-----BEGIN KEY-----\nProc-Type: 4\nAAAA\n-----END KEY-----',
        publicKey: 'ssh-rsa AAAA',
        fields: [{ name: 'Bit Strength', value: '4096', hidden: true }],
      },
    ],
  ],
  [
    'proton-pass-csv',
    'type,name,url,email,username,password,note,totp,createTime,modifyTime,vault\nlogin,A,https://a.example,ada@example.com,,p,n,T,1,2,Personal\nwifi,Net,,,,secret,n,,1,2,Personal\n',
    [
      { kind: 'login', username: 'ada@example.com' },
      { kind: 'note', name: 'Net', fields: [{ name: 'password', value: 'secret', hidden: true }] },
    ],
  ],
  [
    'dashlane-csv',
    'username,username2,username3,title,password,note,url,category,otpUrl\nada,second,,A,p,n,https://a.example,Work,otpauth://x\n',
    [
      {
        username: 'ada',
        folder: 'Work',
        totp: 'otpauth://x',
        fields: [{ name: 'username2', value: 'second' }],
      },
    ],
  ],
]

describe('a table', () => {
  it.each(cases)('of %s is recognised and read', async (format, text, contents) => {
    expect((await readerOf(fileOfText(text))).name).toBe(format)
    const { items } = await readIncoming(fileOfText(text))
    expect(items).toHaveLength(contents.length)
    expect(items.map(({ content }) => content)).toMatchObject(contents)
  })

  it('may have a byte order mark, semicolons, other line ends and UTF-16', async () => {
    const text = '\ufeffname;url;username;password\r\nÄ;https://a.example;ada;p\r\n'
    const { items } = await readIncoming(fileOfText(text))
    expect(items[0]?.content).toMatchObject({ name: 'Ä', password: 'p' })
    const utf16 = fileOfBytes(Buffer.from(text, 'utf16le'), 'x')
    expect((await readIncoming(utf16)).items[0]?.content).toMatchObject({ name: 'Ä' })
  })

  it('tells the line of each item, also behind values of several lines', async () => {
    const { items } = await readIncoming(
      fileOfText('name,url,username,password,note\nA,,a,p,"1\n2\n3"\nB,,b,p,\n'),
    )
    expect(items.map(({ place }) => place)).toEqual(['line 2', 'line 5'])
  })

  it('is refused if it is not what it seems', async () => {
    const header = 'name,url,username,password'
    const refused: [text: string | Uint8Array, code: string][] = [
      [`${header}${',x'.repeat(1_000_000)}\n`, 'unknown-format'],
      [`${header}\na${',x'.repeat(1_000_000)}\n`, 'too-large'],
      [`${header}\n"${'x'.repeat(5 * 1024 * 1024)}`, 'too-large'],
      [`${header}\n"open`, 'malformed'],
      [Uint8Array.from([...Buffer.from(`${header}\nM`), 0xfc, 0x6c, 0x0a]), 'malformed'],
    ]
    for (const [text, code] of refused) {
      const source = typeof text === 'string' ? fileOfText(text) : fileOfBytes(text, 'x')
      await expect(readIncoming(source)).rejects.toMatchObject({ name: 'ImportError', code })
    }
  })
})

describe('an archive', () => {
  it('of Dashlane has a table for each kind', async () => {
    const archive = zipSync({
      'credentials.csv': strToU8('username,title,password,url\nada,A,p,https://a.example\n'),
      'securenotes.csv': strToU8('title,note\nN,text\n'),
      'payments.csv': strToU8(
        'type,account_name,account_holder,cc_number,code,expiration_month,expiration_year,name\ncredit_card,,Ada,4111,123,04,2031,Visa\n',
      ),
      'personalInfo.csv': strToU8('type,first_name,last_name,email\nname,Ada,L,ada@example.com\n'),
      'ids.csv': strToU8('type,number,name\npassport,X1,Ada\n'),
      'later.csv': strToU8('a,b\n1,2\n'),
    })
    const { format, items, leftovers } = await readIncoming(fileOfBytes(archive, 'x'))
    expect(format).toBe('Dashlane')
    expect(items.map(({ content }) => content)).toMatchObject([
      { kind: 'login', username: 'ada' },
      { kind: 'note', name: 'N', notes: 'text' },
      { kind: 'card', number: '4111', expiry: '2031-04' },
      { kind: 'identity', fullName: 'Ada L', email: 'ada@example.com' },
      { kind: 'note', name: 'passport Ada', fields: [{ name: 'number', value: 'X1', hidden: true }] },
    ])
    expect(leftovers).toContainEqual({ place: 'later.csv', what: 'a file of the archive', wentTo: undefined })
  })

  it('of Proton Pass has vaults', async () => {
    const data = {
      version: '1.0',
      encrypted: false,
      vaults: {
        v1: {
          name: 'Private',
          items: [
            {
              itemId: 'i',
              state: 2,
              data: {
                metadata: { name: 'A', note: 'n', itemUuid: 'u' },
                type: 'login',
                content: {
                  itemEmail: 'ada@example.com',
                  itemUsername: 'ada',
                  password: 'p',
                  urls: ['https://a.example'],
                  totpUri: 'T',
                  passkeys: [{}],
                },
                extraFields: [{ fieldName: 'PIN', type: 'hidden', data: { content: '1' } }],
              },
            },
          ],
        },
      },
    }
    for (const source of [
      fileOfText(JSON.stringify(data)),
      fileOfBytes(zipSync({ 'Proton Pass/data.json': strToU8(JSON.stringify(data)) }), 'x'),
    ]) {
      const { items, leftovers } = await readIncoming(source)
      expect(items).toMatchObject([
        {
          vault: 'Private',
          trashed: true,
          content: {
            username: 'ada',
            totp: 'T',
            fields: [
              { name: 'E-mail', value: 'ada@example.com' },
              { name: 'PIN', value: '1', hidden: true },
            ],
          },
        },
      ])
      expect(leftovers.some(({ what, wentTo }) => what.startsWith('a passkey') && wentTo === undefined)).toBe(
        true,
      )
    }
    const pgp = fileOfText('-----BEGIN PGP MESSAGE-----\nx')
    await expect(readIncoming(pgp)).rejects.toMatchObject({ code: 'unsupported' })
  })
})
