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
    'proton-pass-csv',
    'type,name,url,autofillUrls,email,username,password,note,totp,createTime,modifyTime,vault\nlogin,A,"https://a.example, https://b.example","[{""url"":""https://a.example"",""mode"":0},{""url"":""https://c.example"",""mode"":2}]",ada@example.com,ada,p,,,1,2,Personal\ncreditCard,C,,,,,,"{""cardholderName"":""Ada"",""number"":""4111 1111"",""expirationDate"":""2031-04"",""verificationNumber"":""123"",""note"":""blue""}",,1,2,Personal\nidentity,I,,,,,,"{""fullName"":""Ada L"",""jobTitle"":""countess"",""extraSections"":[{""sectionName"":""House"",""sectionFields"":[{""fieldName"":""Key"",""type"":""hidden"",""data"":{""content"":""left""}}]}]}",,1,2,Personal\n',
    [
      {
        kind: 'login',
        username: 'ada',
        urls: ['https://a.example', 'https://b.example', 'https://c.example'],
        fields: [{ name: 'E-mail', value: 'ada@example.com', hidden: false }],
      },
      { kind: 'card', holder: 'Ada', number: '41111111', code: '123', expiry: '2031-04', notes: 'blue' },
      {
        kind: 'identity',
        fullName: 'Ada L',
        fields: [
          { name: 'House: Key', value: 'left', hidden: true },
          { name: 'jobTitle', value: 'countess', hidden: true },
        ],
      },
    ],
  ],
  [
    // Of a version before e-mail addresses and vaults.
    'proton-pass-csv',
    'type,name,url,username,password,note,totp,createTime,modifyTime\nlogin,A,https://a.example,ada,p,,,1,2\n',
    [{ kind: 'login', username: 'ada' }],
  ],
  [
    // As its browser extensions wrote it; a password of `&lt;` would be spelt `&amp;lt;`.
    'lastpass-csv',
    'url,username,password,extra,name,grouping,fav\nhttps://a.example/?a=1&amp;b=2,ada,p&amp;q&lt;&amp;lt;,,A &amp; B,,0\nhttp://sn,,,"NoteType:Address\nLanguage:en-GB\nFirst Name:Ada\nBirthday:,,\nPhone:{&quot;num&quot;:&quot;441234&quot;,&quot;ext&quot;:&quot;5&quot;}\nNotes:",Me,,0\n',
    [
      { name: 'A & B', password: 'p&q<&lt;', urls: ['https://a.example/?a=1&b=2'] },
      { kind: 'identity', fullName: 'Ada', phone: '441234 ext. 5' },
    ],
  ],
  [
    // One `&` that stands for itself: the password is as it is spelt.
    'lastpass-csv',
    'url,username,password,totp,extra,name,grouping,fav\nhttps://a.example/?a=1&b=2,ada,p&amp;q,,,A,,0\n',
    [{ password: 'p&amp;q' }],
  ],
  [
    'dashlane-csv',
    'username,username2,username3,title,password,note,url,category,otpSecret\nada,,,A,p,,https://a.example,,JBSWY3DP\n',
    [{ totp: 'JBSWY3DP' }],
  ],
  [
    'apple-passwords-csv',
    'Title,URL,Username,Password,Notes,OTPAuth\nA,https://a.example/,ada,p,"one\ntwo",\n',
    [{ name: 'A', notes: 'one\ntwo' }],
  ],
  [
    // Edge has written no notes; the form of a login in Firefox can be of another site.
    'chrome-csv',
    'name,url,username,password\nA,https://a.example,ada,p\n',
    [{ name: 'A', password: 'p' }],
  ],
  [
    'firefox-csv',
    '"url","username","password","httpRealm","formActionOrigin","guid","timeCreated","timeLastUsed","timePasswordChanged"\n"https://a.example","ada","p",,"https://login.example","{g}","1","2","3"\n',
    [{ fields: [{ name: 'formActionOrigin', value: 'https://login.example', hidden: false }] }],
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
})
